//! The steps of MD5 (RFC 1321, 3.4), once for one word a step and for vectors of them: order of the
//! words, constants, rotations.

/// The 64 steps over chains of words or of vectors, in registers. `add`, `rotated`, `splat`,
/// `settled` and the four round functions are those of the place that calls. Behind each four steps stands what the
/// macro `between` makes of their number. `settled` keeps a sum as it is: the compiler, to which sums
/// are alike in any order, would put what comes last first and the rest behind it, where all waits.
macro_rules! md5_steps {
    ($chains:ident, $words:ident) => {{
        macro_rules! nothing {
            ($four:literal) => {};
        }
        md5_steps!($chains, $words, nothing);
    }};
    ($chains:ident, $words:ident, $between:ident) => {{
        md5_steps!(@ choose $chains $words $between [7 12 17 22]
            0: 0 0xd76a_a478 1 0xe8c7_b756 2 0x2420_70db 3 0xc1bd_ceee
            1: 4 0xf57c_0faf 5 0x4787_c62a 6 0xa830_4613 7 0xfd46_9501
            2: 8 0x6980_98d8 9 0x8b44_f7af 10 0xffff_5bb1 11 0x895c_d7be
            3: 12 0x6b90_1122 13 0xfd98_7193 14 0xa679_438e 15 0x49b4_0821);
        md5_steps!(@ choose_by_last $chains $words $between [5 9 14 20]
            4: 1 0xf61e_2562 6 0xc040_b340 11 0x265e_5a51 0 0xe9b6_c7aa
            5: 5 0xd62f_105d 10 0x0244_1453 15 0xd8a1_e681 4 0xe7d3_fbc8
            6: 9 0x21e1_cde6 14 0xc337_07d6 3 0xf4d5_0d87 8 0x455a_14ed
            7: 13 0xa9e3_e905 2 0xfcef_a3f8 7 0x676f_02d9 12 0x8d2a_4c8a);
        md5_steps!(@ parity $chains $words $between [4 11 16 23]
            8: 5 0xfffa_3942 8 0x8771_f681 11 0x6d9d_6122 14 0xfde5_380c
            9: 1 0xa4be_ea44 4 0x4bde_cfa9 7 0xf6bb_4b60 10 0xbebf_bc70
            10: 13 0x289b_7ec6 0 0xeaa1_27fa 3 0xd4ef_3085 6 0x0488_1d05
            11: 9 0xd9d4_d039 12 0xe6db_99e5 15 0x1fa2_7cf8 2 0xc4ac_5665);
        md5_steps!(@ mix $chains $words $between [6 10 15 21]
            12: 0 0xf429_2244 7 0x432a_ff97 14 0xab94_23a7 5 0xfc93_a039
            13: 12 0x655b_59c3 3 0x8f0c_cc92 10 0xffef_f47d 1 0x8584_5dd1
            14: 8 0x6fa8_7e4f 15 0xfe2c_e6e0 6 0xa301_4314 13 0x4e08_11a1
            15: 4 0xf753_7e82 11 0xbd3a_f235 2 0x2ad7_d2bb 9 0xeb86_d391);
    }};
    (@ $round:ident $chains:ident $words:ident $between:ident $shifts:tt
        $($four:literal: $w0:literal $k0:literal $w1:literal $k1:literal $w2:literal $k2:literal $w3:literal $k3:literal)*) => {
        $(
            md5_steps!(@@ $round $chains $words $shifts $w0 $k0 $w1 $k1 $w2 $k2 $w3 $k3);
            $between!($four);
        )*
    };
    (@@ $round:ident $chains:ident $words:ident [$s0:literal $s1:literal $s2:literal $s3:literal]
        $w0:literal $k0:literal $w1:literal $k1:literal $w2:literal $k2:literal $w3:literal $k3:literal) => {
        md5_steps!(@@@ $round $chains 0 1 2 3, $words[$w0], $k0, $s0);
        md5_steps!(@@@ $round $chains 3 0 1 2, $words[$w1], $k1, $s1);
        md5_steps!(@@@ $round $chains 2 3 0 1, $words[$w2], $k2, $s2);
        md5_steps!(@@@ $round $chains 1 2 3 0, $words[$w3], $k3, $s3);
    };
    (@@@ $round:ident $chains:ident $a:literal $b:literal $c:literal $d:literal, $word:expr, $k:literal, $shift:literal) => {
        let addend = add($word, splat($k));
        for chain in &mut $chains {
            let early = settled(add(chain[$a], addend));
            let mixed = $round(chain[$b], chain[$c], chain[$d]);
            let sum = add(early, mixed);
            chain[$a] = add(rotated::<$shift, { 32 - $shift }>(sum), chain[$b]);
        }
    };
}

pub(super) use md5_steps;
