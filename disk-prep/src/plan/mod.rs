//! Which file goes on which drive: pure and deterministic. The fewest drives that hold the data,
//! the bytes balanced over them; whole files only. Formats and devices are another room's affair.

mod error;
mod room;

use std::cmp::Reverse;
use std::slice;

pub use error::Error;
use room::Filling;
pub use room::Room;

use crate::dataset::{FileList, ListedFile};
use crate::volume::ntfs;

/// Which files go where. Files are named by their index in the list that was planned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spread {
    /// The drives used, in the order they were given; files ascending.
    pub loads: Vec<Load>,
    /// Drives that are not needed.
    pub unused: Vec<usize>,
    /// Files for which there is no room, ascending.
    pub unplaced: Vec<u32>,
}

/// What goes on one drive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Load {
    /// Index of the drive.
    pub room: usize,
    /// Indices of the files.
    pub files: Vec<u32>,
}

/// Refuses files whose names NTFS takes for one, or for a system file's: whatever drives there
/// are, any two files may come to lie on the same.
pub fn check_names(files: &FileList) -> Result<(), Error> {
    ntfs::check_names(files.iter().map(ListedFile::path_parts))
        .map_err(|source| Error::Names { source })
}

/// Spreads the files over the fewest of the rooms. If all rooms together are too small, they are
/// filled in the order given and the rest is unplaced.
pub fn spread(files: &FileList, rooms: &[Room]) -> Result<Spread, Error> {
    check_names(files)?;
    distribute(files, rooms)
}

fn distribute(files: &FileList, rooms: &[Room]) -> Result<Spread, Error> {
    let items = Items::of(files);
    if files.is_empty() {
        return Ok(Spread {
            loads: Vec::new(),
            unused: (0..rooms.len()).collect(),
            unplaced: Vec::new(),
        });
    }
    let empty: Vec<Filling> = rooms.iter().map(Filling::new).collect::<Result<_, _>>()?;
    refuse_too_large(files, &items, &empty)?;
    let mut largest_first: Vec<usize> = (0..rooms.len()).collect();
    largest_first.sort_by_key(|&at| Reverse(empty[at].free_bytes()));
    for count in 1..=rooms.len() {
        let mut chosen = largest_first[..count].to_vec();
        chosen.sort_unstable();
        let placed = place(files, &items, &empty, &chosen, Choice::LeastFilled)
            .or_else(|| place(files, &items, &empty, &chosen, Choice::Tightest));
        if let Some(loads) = placed {
            return Ok(settle(loads, chosen, rooms.len(), Vec::new()));
        }
    }
    Ok(fill_up(files, &items, empty))
}

/// How many drives of one size the files need.
pub fn count_drives(files: &FileList, room: &Room) -> Result<usize, Error> {
    check_names(files)?;
    let mut rooms = vec![room.clone()];
    loop {
        let spread = distribute(files, &rooms)?;
        if spread.unplaced.is_empty() {
            return Ok(spread.loads.len());
        }
        // At least so many more, by bytes alone.
        let missing: u64 = spread.unplaced.iter().map(|&at| files.at(at as usize).bytes()).sum();
        let more = (missing / room.volume_bytes.max(1)).max(1) as usize;
        rooms.resize(rooms.len() + more, room.clone());
    }
}

/// What is placed: the files that lie together as one, then single files.
struct Items {
    group: Vec<u32>,
    /// Largest first, those of one length as they stand in the list.
    single: Vec<u32>,
}

impl Items {
    fn of(files: &FileList) -> Self {
        let (group, mut single): (Vec<u32>, Vec<u32>) =
            (0..files.len() as u32).partition(|&at| files.at(at as usize).together());
        single.sort_by_key(|&at| Reverse(files.at(at as usize).bytes()));
        Items { group, single }
    }

    /// Each of them with the files that are placed as one.
    fn iter(&self) -> impl Iterator<Item = &[u32]> {
        let group = Some(self.group.as_slice()).filter(|group| !group.is_empty());
        group.into_iter().chain(self.single.iter().map(slice::from_ref))
    }
}

/// The files of an item.
fn of<'a>(files: &'a FileList, item: &'a [u32]) -> impl Iterator<Item = ListedFile<'a>> + Clone {
    item.iter().map(|&at| files.at(at as usize))
}

fn refuse_too_large(files: &FileList, items: &Items, empty: &[Filling]) -> Result<(), Error> {
    let Some(largest) = empty.iter().max_by_key(|filling| filling.free_bytes()) else {
        return Ok(());
    };
    // Items stand largest first after the group, so the first two tell of all.
    for item in items.iter().take(2) {
        if !largest.clone().add(of(files, item)) {
            let what = match item[..] {
                [at] => format!("File {}", files.at(at as usize).source().display()),
                _ => "The part of a repository that stays together".to_owned(),
            };
            return Err(Error::TooLarge {
                what,
                need_bytes: of(files, item).map(ListedFile::bytes).sum(),
                room_bytes: largest.room_bytes(),
            });
        }
    }
    Ok(())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Choice {
    /// The drive with the fewest bytes on it: balanced.
    LeastFilled,
    /// The drive with the least room left: denser.
    Tightest,
}

/// Places all items on the chosen rooms, or none.
fn place(
    files: &FileList,
    items: &Items,
    empty: &[Filling],
    chosen: &[usize],
    choice: Choice,
) -> Option<Vec<Vec<u32>>> {
    let mut fillings: Vec<Filling> = chosen.iter().map(|&at| empty[at].clone()).collect();
    if files.total_bytes() > fillings.iter().map(Filling::free_bytes).sum() {
        return None;
    }
    let mut loads = vec![Vec::new(); chosen.len()];
    let mut order: Vec<usize> = (0..chosen.len()).collect();
    for item in items.iter() {
        match choice {
            Choice::LeastFilled => order.sort_by_key(|&at| (fillings[at].data_bytes(), at)),
            Choice::Tightest => order.sort_by_key(|&at| (fillings[at].free_bytes(), at)),
        }
        let at = order.iter().copied().find(|&at| fillings[at].add(of(files, item)))?;
        loads[at].extend_from_slice(item);
    }
    Some(loads)
}

/// Fills the rooms in the order given as far as they go.
fn fill_up(files: &FileList, items: &Items, mut fillings: Vec<Filling>) -> Spread {
    let rooms = fillings.len();
    let mut loads = vec![Vec::new(); rooms];
    let mut unplaced = Vec::new();
    for item in items.iter() {
        match fillings.iter_mut().position(|filling| filling.add(of(files, item))) {
            Some(at) => loads[at].extend_from_slice(item),
            None => unplaced.extend_from_slice(item),
        }
    }
    unplaced.sort_unstable();
    settle(loads, (0..rooms).collect(), rooms, unplaced)
}

fn settle(loads: Vec<Vec<u32>>, chosen: Vec<usize>, rooms: usize, unplaced: Vec<u32>) -> Spread {
    let loads: Vec<Load> = chosen
        .into_iter()
        .zip(loads)
        .filter(|(_, files)| !files.is_empty())
        .map(|(room, mut files)| {
            files.sort_unstable();
            Load { room, files }
        })
        .collect();
    let unused = (0..rooms).filter(|room| loads.iter().all(|load| load.room != *room)).collect();
    Spread { loads, unused, unplaced }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::{DataFile, Packer};
    use crate::noun::Diagnose;
    use crate::sys::heap::most;
    use proptest::prelude::*;

    const MIB: u64 = 1 << 20;

    fn file(name: &str, bytes: u64, together: bool) -> DataFile {
        DataFile { together, ..DataFile::sample(name, bytes) }
    }

    fn files(sizes: &[u64]) -> FileList {
        list(sized(sizes))
    }

    fn list(files: Vec<DataFile>) -> FileList {
        files.into_iter().collect()
    }

    fn sized(sizes: &[u64]) -> Vec<DataFile> {
        let named = |(at, bytes): (usize, &u64)| file(&format!("file-{at:03}"), *bytes, false);
        sizes.iter().enumerate().map(named).collect()
    }

    fn rooms(mib: &[u64]) -> Vec<Room> {
        let room = |(at, mib): (usize, &u64)| Room {
            serial: format!("S{at}").parse().unwrap(),
            volume_bytes: mib * MIB,
        };
        mib.iter().enumerate().map(room).collect()
    }

    fn bytes(files: &FileList, load: &Load) -> u64 {
        of(files, &load.files).map(ListedFile::bytes).sum()
    }

    #[test]
    fn the_fewest_drives_are_used_and_the_bytes_balanced_over_them() {
        let set = files(&[50 * MIB; 8]);
        let spread = spread(&set, &rooms(&[300, 300, 300])).unwrap();
        assert_eq!((spread.loads.len(), spread.unused.as_slice()), (2, &[2][..]));
        assert_eq!(bytes(&set, &spread.loads[0]), bytes(&set, &spread.loads[1]));
        let one = super::spread(&set, &rooms(&[100, 600, 300])).unwrap();
        assert_eq!((one.loads.len(), one.loads[0].room), (1, 1), "the largest alone holds it");
        assert_eq!(count_drives(&set, &rooms(&[300])[0]).unwrap(), 2);
    }

    #[test]
    fn what_belongs_together_lies_on_one_drive() {
        let mut set = sized(&[60 * MIB; 6]);
        set.extend((0..5).map(|at| file(&format!("index-{at}"), 10 * MIB, true)));
        let spread = spread(&list(set), &rooms(&[200, 200, 200])).unwrap();
        assert!(spread.unplaced.is_empty());
        let holding = spread.loads.iter().filter(|load| load.files.iter().any(|&at| at >= 6));
        assert_eq!(holding.count(), 1);
    }

    #[test]
    fn a_file_that_fits_nowhere_is_named_and_a_lack_of_room_is_counted() {
        let mut set = sized(&[10 * MIB, 400 * MIB]);
        let error = spread(&list(set.clone()), &rooms(&[300])).unwrap_err();
        assert_eq!(error.code(), "file-too-large-for-drives");
        assert!(error.to_string().contains("file-001"), "{error}");
        set[1].bytes = 200 * MIB;
        set.push(file("third", 200 * MIB, false));
        let spread = spread(&list(set), &rooms(&[300])).unwrap();
        assert_eq!(spread.unplaced.len(), 1);
        assert_eq!(spread.loads[0].files.len(), 2);
    }

    #[test]
    fn names_that_differ_only_by_case_are_refused_even_if_they_would_lie_on_two_drives() {
        let set = list(vec![file("x", 80 * MIB, false), file("X", 80 * MIB, false)]);
        let rooms = rooms(&[130, 130]);
        for error in [spread(&set, &rooms).unwrap_err(), count_drives(&set, &rooms[0]).unwrap_err()]
        {
            assert_eq!(error.code(), "ntfs-names-clash");
        }
    }

    #[test]
    fn a_room_that_can_be_no_volume_is_an_error() {
        let error = spread(&files(&[1]), &rooms(&[300, 60])).unwrap_err();
        assert_eq!(error.code(), "volume-too-small");
        assert!(error.to_string().contains("S1"), "{error}");
    }

    #[test]
    fn without_files_no_drive_is_used() {
        let spread = spread(&FileList::default(), &rooms(&[300, 300])).unwrap();
        assert_eq!((spread.loads.len(), spread.unused), (0, vec![0, 1]));
    }

    /// Names of 25 letters, as many as ten large backups have.
    #[test]
    fn a_plan_of_a_million_files_takes_what_their_records_and_names_take() {
        const FILES: usize = 1_000_000;
        let room = Room { serial: "S1".parse().unwrap(), volume_bytes: 1 << 40 };
        let (drives, bytes) = most(|| {
            let mut packer = Packer::default();
            for at in 0..FILES {
                let (folder, name) = (at / 1000, format!("document-{at:012}.txt"));
                packer.push(&DataFile {
                    source: format!("{folder:04}/{name}").into(),
                    path: format!("\\job-1\\{folder:04}\\{name}").parse().unwrap(),
                    blob: format!("target/{folder:04}/{name}").parse().unwrap(),
                    ..DataFile::sample("any", 30_000)
                });
            }
            count_drives(&packer.finish_sorted(), &room).unwrap()
        });
        assert_eq!(drives, 1);
        println!("{} bytes a file", bytes / FILES);
        assert!(bytes < FILES * (64 + 25), "{} bytes a file", bytes / FILES);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(60))]
        #[test]
        fn every_file_is_placed_once_and_every_load_fits_its_drive(
            sizes in prop::collection::vec(0u64..90 * MIB, 1..40),
            mib in prop::collection::vec(110u64..400, 1..6),
        ) {
            let (set, rooms) = (files(&sizes), rooms(&mib));
            let spread = spread(&set, &rooms).unwrap();
            let mut seen: Vec<u32> =
                spread.loads.iter().flat_map(|load| load.files.clone()).chain(spread.unplaced.clone()).collect();
            seen.sort_unstable();
            prop_assert_eq!(seen, (0..set.len() as u32).collect::<Vec<_>>());
            for load in &spread.loads {
                let mut filling = Filling::new(&rooms[load.room]).unwrap();
                prop_assert!(filling.add(of(&set, &load.files)));
                prop_assert!(bytes(&set, load) < rooms[load.room].volume_bytes);
            }
            let used: Vec<usize> = spread.loads.iter().map(|load| load.room).collect();
            prop_assert!(spread.unused.iter().all(|room| !used.contains(room)));
            prop_assert_eq!(spread.clone(), super::spread(&set, &rooms).unwrap());
        }
    }
}
