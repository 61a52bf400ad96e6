//! What can go wrong with a backup, by its code. Three numbers are published; the others are taken
//! upward from 499001, and the code's word stands where the service has its title.

use std::sync::LazyLock;

/// One of them.
#[derive(Debug)]
pub(crate) struct Known {
    pub number: u32,
    pub code: &'static str,
    pub message: &'static str,
}

static ALL: LazyLock<Vec<Known>> = LazyLock::new(|| {
    let line = |line: &'static str| {
        let mut parts = line.splitn(3, '|');
        let (number, code, message) = (parts.next()?, parts.next()?, parts.next()?);
        Some(Known { number: number.parse().ok()?, code, message })
    };
    include_str!("failures.txt").lines().filter_map(line).collect()
});

/// By its word or its number.
pub(crate) fn find(code: &str) -> Option<&'static Known> {
    ALL.iter().find(|own| own.code.eq_ignore_ascii_case(code) || own.number.to_string() == code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_table_is_read_and_no_code_is_there_twice() {
        assert_eq!(ALL.len(), include_str!("failures.txt").lines().count());
        let codes: std::collections::BTreeSet<_> = ALL.iter().map(|own| own.code).collect();
        let numbers: std::collections::BTreeSet<_> = ALL.iter().map(|own| own.number).collect();
        assert_eq!((codes.len(), numbers.len()), (ALL.len(), ALL.len()));
        assert_eq!(find("380008").unwrap().code, "AzureVmOffline");
        assert!(find("azurevmoffline").is_some() && find("").is_none());
    }
}
