//! What initial data holds.

use runtime::{Inputs, ObjectId};
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

type Map = BTreeMap<ObjectId, Arc<[u8]>>;

/// Content by object, shared with the driver of a run, which may learn of more as it goes on.
#[derive(Default)]
pub(crate) struct Contents(Arc<RwLock<Map>>);

impl Contents {
    pub fn insert(&self, object: ObjectId, bytes: Arc<[u8]>) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(object, bytes);
    }

    /// The same contents, for a driver.
    pub fn shared(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl Clone for Contents {
    /// Contents of their own that begin as these are; the bytes are shared.
    fn clone(&self) -> Self {
        let map = self.0.read().unwrap_or_else(PoisonError::into_inner).clone();
        Self(Arc::new(RwLock::new(map)))
    }
}

impl Inputs for Contents {
    fn fill(&self, object: ObjectId, bytes: &mut [u8]) {
        let map = self.0.read().unwrap_or_else(PoisonError::into_inner);
        match map.get(&object) {
            Some(content) => bytes.copy_from_slice(content),
            None => bytes.fill(0),
        }
    }
}
