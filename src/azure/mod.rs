//! The only network client: sign-in, ARM, blobs. Knows no other room; of disk_prep only the nouns.
