# Everyday work; `just` alone prints this list.

_list:
    @just --list

# All that the build machine checks
ci:
    tests/run

# CPU time of `prep` against cp, md5sum and sha256sum
bench:
    tests/bench

# Renew the generated tables of docs/reference.md
docs:
    UPDATE_DOCS=1 cargo test --release --test docs
