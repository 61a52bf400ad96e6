//! Folders become trees: what lies in each, as text, which is a blob like any other.

use disk_prep::noun::Sha256Digest;
use rustic_core::repofile::{Node, SnapshotSummary, Tree};
use rustic_core::{ErrorKind, Id, RusticError, TreeId};
use sha2::{Digest, Sha256};

use super::super::repo::Library;
use super::former::Was;
use super::known::Ids;
use super::packs::Packs;
use super::sealer::Sealer;
use super::steps::Step;

struct Folder {
    node: Node,
    was: Was<TreeId>,
    nodes: Vec<Node>,
}

/// What takes the steps of a walk.
pub(super) struct Trees<'a> {
    sealer: &'a Sealer,
    held: &'a Ids,
    packs: &'a Packs,
    root: Vec<Node>,
    /// Folders that the walk is in.
    folders: Vec<Folder>,
    pub summary: SnapshotSummary,
}

impl<'a> Trees<'a> {
    /// Counts on in the summary.
    pub fn new(
        sealer: &'a Sealer,
        held: &'a Ids,
        packs: &'a Packs,
        summary: SnapshotSummary,
    ) -> Self {
        Trees { sealer, held, packs, root: Vec::new(), folders: Vec::new(), summary }
    }

    /// Takes a step.
    pub fn take(&mut self, step: Step) -> Library<()> {
        match step {
            Step::Enter(node, was) => self.folders.push(Folder { node, was, nodes: Vec::new() }),
            Step::Leave => {
                if let Some(Folder { mut node, was, nodes }) = self.folders.pop() {
                    node.subtree = Some(self.save(nodes, was)?);
                    self.add(node);
                }
            }
            Step::Pass(node, _, was) => {
                let count = match was {
                    Was::New => &mut self.summary.files_new,
                    Was::Changed => &mut self.summary.files_changed,
                    Was::Same(()) => &mut self.summary.files_unmodified,
                };
                *count += 1;
                self.summary.total_files_processed += 1;
                let bytes = if node.is_file() { node.meta.size } else { 0 };
                self.summary.total_bytes_processed += bytes;
                self.add(node);
            }
            Step::Lost => {}
        }
        Ok(())
    }

    fn add(&mut self, node: Node) {
        self.folders.last_mut().map_or(&mut self.root, |folder| &mut folder.nodes).push(node);
    }

    /// Ends with the tree above all, which was this one before.
    pub fn finish(&mut self, was: Was<TreeId>) -> Library<TreeId> {
        let nodes = std::mem::take(&mut self.root);
        self.save(nodes, was)
    }

    fn save(&mut self, nodes: Vec<Node>, was: Was<TreeId>) -> Library<TreeId> {
        let failed = |error| RusticError::new(ErrorKind::Internal, format!("A tree: {error}"));
        let mut content = serde_json::to_vec(&Tree { nodes }).map_err(failed)?;
        // As restic has it; else a tree of the same folder would have another name there.
        content.push(b'\n');
        let digest: [u8; 32] = Sha256::digest(&content).into();
        let id = TreeId::from(Id::new(digest));
        self.summary.total_dirs_processed += 1;
        self.summary.total_dirsize_processed += content.len() as u64;
        let count = match was {
            Was::New => &mut self.summary.dirs_new,
            Was::Same(former) if former == id => &mut self.summary.dirs_unmodified,
            Was::Same(_) | Was::Changed => &mut self.summary.dirs_changed,
        };
        *count += 1;
        // What is as it was need not be there any more: a damaged pack may have been set aside.
        if self.held.claim(*id) {
            self.packs.add(Sha256Digest::new(digest), self.sealer.blob(&content)?)?;
        }
        Ok(id)
    }
}
