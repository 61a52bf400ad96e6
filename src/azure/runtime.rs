//! The one runtime of this room: whoever asks something of Azure blocks until it is answered, and
//! all of their waiting is done here.

use std::sync::LazyLock;

use tokio::runtime::{Builder, Runtime};

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    let mut builder = Builder::new_multi_thread();
    let built = builder.worker_threads(2).thread_name("azure").enable_all().build();
    built.expect("a runtime needs nothing that can be missing")
});

/// Waits for what is asked. Not to be called from a task of any runtime.
pub(super) fn block_on<F: Future>(future: F) -> F::Output {
    RUNTIME.block_on(future)
}
