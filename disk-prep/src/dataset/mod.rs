//! The data set: which files are to be copied, and where each one goes. A list, in the order in
//! which the data lies on a drive; made of a folder, or of the rows of a CSV file.

mod cells;
mod claims;
mod content_md5;
pub mod dataset_csv;
pub mod driveset_csv;
mod empty_folders;
mod error;
mod file;
mod file_list;
mod listing;
mod packer;
mod rows;
mod set;
mod side_file;
mod table;
mod tree_walk;
mod walk;
mod windows;

pub use content_md5::ContentMd5;
pub use dataset_csv::{Item, Row};
pub use driveset_csv::{DriveRow, EraseConsent};
pub use error::Error;
pub use file::{DEVICE, DataFile, modified_ns};
pub use file_list::{FileList, ListedFile};
pub use listing::{Listing, SideFile, SideKind};
pub use packer::Packer;
pub use rows::{RowsOptions, read_dataset, read_driveset, scan_rows};
pub use set::DataSet;
pub use side_file::{SideFault, parse_side_file, with_content_md5, with_side_files};
pub use table::CsvFault;
pub use walk::{FilesOptions, scan};
