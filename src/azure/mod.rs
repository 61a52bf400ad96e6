//! The only network client: sign-in, the calls to Azure's resource manager, blobs. Knows no other
//! room; of `disk_prep` only the nouns, and where programs are started.

mod arm;
mod asked;
mod assertion;
mod blobs;
mod bounds;
mod call;
mod clients;
mod cloud;
mod compute;
mod container;
mod copy_source;
mod credential;
mod crew;
mod error;
mod exchange;
#[cfg(test)]
pub mod faulty;
mod fenced;
mod interfaces;
mod limit;
mod link;
mod machine;
mod managed_calls;
mod managed_disk;
mod managed_id;
#[cfg(test)]
pub mod memory;
mod network;
mod operations;
mod page_blob;
mod page_blobs;
mod page_calls;
mod page_list;
mod page_metadata;
mod patience;
#[cfg(test)]
mod played;
mod principal;
pub mod probe;
mod protection;
mod reason;
mod resources;
mod retry;
mod rights;
mod runtime;
mod send;
mod shared_key;
mod sign_in;
mod signer;
mod stranger;
mod token;
mod trace;
mod transport;
mod turns;
mod window;

pub use arm::{Arm, ArmOptions, SignedIn};
pub use asked::Asked;
pub use blobs::BlobContainer;
pub use call::Call;
pub use cloud::{BlobHome, Cloud, CloudChoice};
pub use compute::{AgentFacts, DiskCounts, ExtensionFacts, MachineFacts, SizeFacts};
pub use container::{
    BlobFacts, Container, Copied, Fence, Fenced, Labels, Made, Over, Removed, Sent, Supply, Upload,
    Vouched,
};
pub use copy_source::CopySource;
pub use credential::{BlobCredential, BlobOptions};
pub use crew::{each, each_of};
pub use error::{Error, Lost, Why};
pub use interfaces::{CardFacts, OutboundRule, SubnetFacts};
pub use link::blob_at;
pub use managed_disk::{ManagedDisk, ManagedOptions};
pub use managed_id::{DiskId, NoDiskId};
pub use network::Network;
pub use page_blob::{
    AccountFacts, CopiedFrom, CopyFacts, PageBlob, PageFacts, PagesAsked, SnapshotFacts,
};
pub use page_blobs::ServicePageBlob;
pub use page_list::{PageList, PageListFault, PageRange, PageState};
pub use patience::{Patience, Teller, Tempo};
pub use protection::{Deleted, Protection};
pub use reason::Reason;
pub use resources::{BlobService, Provider, StorageAccount, Subscription};
pub use rights::{Assignment, Lock, Permission};
pub use sign_in::{Auth, AuthKind, OUR_SECRETS, variable};
