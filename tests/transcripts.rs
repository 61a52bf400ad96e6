//! Help and refusals, word for word: `tests/cli/*.trycmd` hold what a person sees.

#[test]
fn help_and_refusals_read_as_they_stand_in_the_transcripts() {
    trycmd::TestCases::new().case("tests/cli/*.trycmd");
}
