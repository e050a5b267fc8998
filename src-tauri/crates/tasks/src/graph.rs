//! Who waits for whom.

use nox_domain::{
    ids::TaskId,
    task::{Task, TaskStatus},
};
use std::collections::BTreeMap;

/// A task that another one waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenDependency {
    /// Which.
    pub id: TaskId,
    /// How far it is; none if there is no such task, which a person has to see rather than that work starts early.
    pub status: Option<TaskStatus>,
}

/// The dependencies of a task that are not settled, in the order of its file.
pub fn open_dependencies(
    task: &Task,
    status_of: impl Fn(&TaskId) -> Option<TaskStatus>,
) -> Vec<OpenDependency> {
    let all = task.depends_on.iter().map(|id| OpenDependency { id: id.clone(), status: status_of(id) });
    all.filter(|dependency| !dependency.status.is_some_and(TaskStatus::is_settled)).collect()
}

/// The way that would close a circle if `from` waited for `to`: from `to` along the dependencies back to `from`.
///
/// Circles that exist already (hands write files too) do not trap it.
pub fn would_cycle<'a>(
    dependencies_of: impl Fn(&TaskId) -> &'a [TaskId],
    from: &TaskId,
    to: &TaskId,
) -> Option<Vec<TaskId>> {
    // Each task that was reached, with the one that led there.
    let mut reached: BTreeMap<TaskId, Option<TaskId>> = BTreeMap::from([(to.clone(), None)]);
    let mut open = vec![to.clone()];
    while let Some(at) = open.pop() {
        if at == *from {
            let mut way = vec![at.clone()];
            let mut step = reached.get(&at).cloned().flatten();
            while let Some(before) = step {
                way.push(before.clone());
                step = reached.get(&before).cloned().flatten();
            }
            way.reverse();
            return Some(way);
        }
        for next in dependencies_of(&at) {
            if !reached.contains_key(next) {
                reached.insert(next.clone(), Some(at.clone()));
                open.push(next.clone());
            }
        }
    }
    None
}
