//! Where the jobs of a resource group stand in the resource manager: the same for both services.

use disk_prep::noun::{JobName, ResourceGroup, Service, SubscriptionId};

/// A resource group, as one service has it.
#[derive(Debug)]
pub(super) struct Place {
    pub service: Service,
    pub subscription: SubscriptionId,
    pub group: ResourceGroup,
}

impl Place {
    /// The jobs of the group.
    pub fn jobs(&self) -> String {
        let Place { service, subscription, group } = self;
        let provider = service.provider();
        format!("subscriptions/{subscription}/resourceGroups/{group}/providers/{provider}/jobs")
    }

    /// One of them.
    pub fn job(&self, name: &JobName) -> String {
        format!("{}/{name}", self.jobs())
    }

    /// Something that the service has for the whole subscription.
    pub fn of_subscription(&self, what: &str) -> String {
        let (subscription, provider) = (&self.subscription, self.service.provider());
        format!("subscriptions/{subscription}/providers/{provider}/{what}")
    }
}
