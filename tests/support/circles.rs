//! Circles of files: files that reach one another over their imports. Tarjan's algorithm ("Depth-first
//! search and linear graph algorithms", 1972).

use std::collections::{BTreeMap, BTreeSet};

use crate::sources::Source;

/// The circles among the files of one package, each with its files in order.
pub fn circles(sources: &[Source]) -> Vec<Vec<String>> {
    let modules: BTreeMap<String, usize> =
        sources.iter().enumerate().map(|(at, source)| (source.module(), at)).collect();
    let edges: Vec<BTreeSet<usize>> = sources
        .iter()
        .enumerate()
        .map(|(own, source)| {
            let files =
                source.paths().into_iter().filter_map(|path| file_of(&path, source, &modules));
            files.filter(|file| *file != own).collect()
        })
        .collect();
    let mut search = Search { edges: &edges, ..Search::default() };
    for start in 0..sources.len() {
        if !search.order.contains_key(&start) {
            search.visit(start);
        }
    }
    let name = |at: usize| sources[at].path.clone();
    search
        .found
        .into_iter()
        .map(|circle| circle.into_iter().map(name).collect::<BTreeSet<_>>().into_iter().collect())
        .collect()
}

/// The file that a path leads to: that of the longest module on the way.
fn file_of(path: &str, source: &Source, modules: &BTreeMap<String, usize>) -> Option<usize> {
    let whole = match path.strip_prefix("crate::") {
        Some(_) => path.to_owned(),
        // A module below this file, named without more ado.
        None => format!("{}::{path}", source.module()),
    };
    let mut end = whole.len();
    loop {
        let module = &whole[..end];
        if module == source.module() && !path.starts_with("crate::") {
            return None;
        }
        if let Some(file) = modules.get(module) {
            return Some(*file);
        }
        end = whole[..end].rfind("::")?;
    }
}

#[derive(Default)]
struct Search<'a> {
    edges: &'a [BTreeSet<usize>],
    order: BTreeMap<usize, usize>,
    lowest: BTreeMap<usize, usize>,
    waiting: Vec<usize>,
    found: Vec<Vec<usize>>,
}

impl Search<'_> {
    fn visit(&mut self, at: usize) {
        let number = self.order.len();
        self.order.insert(at, number);
        self.lowest.insert(at, number);
        self.waiting.push(at);
        for &next in &self.edges[at] {
            if !self.order.contains_key(&next) {
                self.visit(next);
                let lowest = self.lowest[&at].min(self.lowest[&next]);
                self.lowest.insert(at, lowest);
            } else if self.waiting.contains(&next) {
                let lowest = self.lowest[&at].min(self.order[&next]);
                self.lowest.insert(at, lowest);
            }
        }
        if self.lowest[&at] == number {
            let place = self.waiting.iter().position(|own| *own == at).expect("it waits");
            let circle = self.waiting.split_off(place);
            if circle.len() > 1 {
                self.found.push(circle);
            }
        }
    }
}
