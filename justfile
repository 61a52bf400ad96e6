# Everyday work; `just` alone prints this list.

_list:
    @just --list

# All that the build machine checks
ci:
    tests/run

# All measurements, their page and plots
bench:
    tests/long bench

# All rounds on emulated drives, or those named: power cuts, lost drives, the guest kernel as reader
lab *SCENARIOS:
    tests/lab/run {{SCENARIOS}}

# What grows with time: worlds, kills, cuts, fuzz, mutants, lab, bench, deny
long *PART:
    tests/long {{PART}}

# Renew the generated tables of docs/reference.md
docs:
    UPDATE_DOCS=1 cargo test --release --test docs

# What the next release will say, or with VERSION DATE: write it into the changelog
changes *RELEASE:
    docs/changes/assemble {{RELEASE}}
