//! A page blob as the machine that writes to it, by the official client, with a model of it beside.

use azure_core::http::request::RequestContent;
use azure_storage_blobs::models::{
    BlobContainerClientListBlobsOptions, HttpRange, ListBlobsIncludeItem,
};
use azure_storage_blobs::{BlobClient, BlobContainerClient};
use futures::TryStreamExt;

/// Bytes of a page.
pub const PAGE: usize = 512;

/// The disk and what it should hold.
pub struct Disk {
    pub blob: BlobClient,
    pub model: Vec<u8>,
}

impl Disk {
    /// Makes one, over one that is there.
    pub async fn create(client: &BlobContainerClient, name: &str, bytes: usize) -> Self {
        let own = Disk { blob: client.blob_client(name), model: vec![0; bytes] };
        own.blob.page_blob_client().create(bytes as u64, None).await.unwrap();
        own
    }

    /// Writes whole pages.
    pub async fn write(&mut self, at: usize, content: &[u8]) {
        for (number, piece) in content.chunks(4 << 20).enumerate() {
            let at = at + number * (4 << 20);
            let body = RequestContent::from(piece.to_vec());
            let range = HttpRange::from(at..at + piece.len());
            let blob = self.blob.page_blob_client();
            blob.upload_pages(body, piece.len() as u64, range, None).await.unwrap();
        }
        self.model[at..at + content.len()].copy_from_slice(content);
    }

    /// Clears whole pages.
    pub async fn clear(&mut self, at: usize, bytes: usize) {
        let range = HttpRange::from(at..at + bytes);
        self.blob.page_blob_client().clear_pages(range, None).await.unwrap();
        self.model[at..at + bytes].fill(0);
    }

    /// Gives it another length.
    pub async fn resize(&mut self, bytes: usize) {
        self.blob.page_blob_client().resize(bytes as u64, None).await.unwrap();
        self.model.resize(bytes, 0);
    }
}

/// A blob, or a snapshot of it, whole.
pub async fn read(client: &BlobContainerClient, name: &str, snapshot: Option<&str>) -> Vec<u8> {
    let blob = client.blob_client(name);
    let blob = match snapshot {
        Some(id) => blob.with_snapshot(id).unwrap(),
        None => blob,
    };
    blob.download(None).await.unwrap().body.collect().await.unwrap().to_vec()
}

/// The snapshots of a blob, the oldest first.
pub async fn snapshots(client: &BlobContainerClient, name: &str) -> Vec<String> {
    let options = BlobContainerClientListBlobsOptions {
        include: Some(vec![ListBlobsIncludeItem::Snapshots]),
        prefix: Some(name.to_owned()),
        ..Default::default()
    };
    let items: Vec<_> = client.list_blobs(Some(options)).unwrap().try_collect().await.unwrap();
    let own = items.into_iter().filter(|item| item.name.as_deref() == Some(name));
    own.filter_map(|item| item.snapshot).filter(|id| !id.is_empty()).collect()
}

/// Deletes a snapshot.
pub async fn drop_snapshot(client: &BlobContainerClient, name: &str, id: &str) {
    client.blob_client(name).with_snapshot(id).unwrap().delete(None).await.unwrap();
}
