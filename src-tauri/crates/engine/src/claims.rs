//! A task is started by one at a time: whoever has claimed it works with nobody beside.

use crate::{Engine, Error, engine::Inner};
use nox_domain::ids::TaskId;
use std::sync::{Arc, PoisonError};

impl Engine {
    pub(crate) fn claim(&self, task: &TaskId) -> Result<Claim, Error> {
        let mut starting = self.inner.starting.lock().unwrap_or_else(PoisonError::into_inner);
        if !starting.insert(task.clone()) {
            return Err(Error::Conflict {
                message: "this task is being started already".into(),
                hint: "Wait a moment.".into(),
            });
        }
        Ok(Claim { inner: self.inner.clone(), task: task.clone() })
    }
}

/// Held while a task is being started; dropping it lets others.
pub(crate) struct Claim {
    inner: Arc<Inner>,
    task: TaskId,
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.inner.starting.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.task);
    }
}
