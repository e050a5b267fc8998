//! Errors and settings of the engine, as the contract has them.

use crate::{
    ApiError, ErrorCode,
    dto::{ChangeSettings, Settings, Theme},
};
use nox_engine::{Error, ErrorKind, settings};

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        let code = match error.kind() {
            ErrorKind::NotFound => ErrorCode::NotFound,
            ErrorKind::Conflict => ErrorCode::Conflict,
            ErrorKind::Stale => ErrorCode::Stale,
            ErrorKind::BadInput => ErrorCode::BadInput,
            ErrorKind::NeedsAgent => ErrorCode::NeedsAgent,
            ErrorKind::TooOld => ErrorCode::TooOld,
            ErrorKind::Disk => ErrorCode::Disk,
            ErrorKind::Overloaded => ErrorCode::Overloaded,
            ErrorKind::Keychain => ErrorCode::Keychain,
            ErrorKind::Internal => {
                tracing::error!(%error, "an operation failed");
                ErrorCode::Internal
            }
        };
        Self { code, message: error.to_string(), hint: error.hint(), field: error.field().map(str::to_owned) }
    }
}

impl From<settings::Values> for Settings {
    fn from(values: settings::Values) -> Self {
        Self {
            theme: match values.theme {
                settings::Theme::System => Theme::System,
                settings::Theme::Light => Theme::Light,
                settings::Theme::Dark => Theme::Dark,
            },
            max_live_runs: values.max_live_runs,
            notifications: values.notifications,
            welcomed: values.welcomed,
            log_level: values.log_level,
            memory_budget_mb: values.memory_budget_mb,
            runs_per_minute: values.runs_per_minute,
            hibernate_after_seconds: values.hibernate_after_seconds,
            life: values.life,
            log_policy: values.log_policy,
            log_after_days: values.log_after_days,
        }
    }
}

impl From<ChangeSettings> for settings::Patch {
    fn from(change: ChangeSettings) -> Self {
        Self {
            theme: change.theme.map(|theme| match theme {
                Theme::System => settings::Theme::System,
                Theme::Light => settings::Theme::Light,
                Theme::Dark => settings::Theme::Dark,
            }),
            max_live_runs: change.max_live_runs,
            notifications: change.notifications,
            welcomed: change.welcomed,
            log_level: change.log_level,
            memory_budget_mb: change.memory_budget_mb,
            runs_per_minute: change.runs_per_minute,
            hibernate_after_seconds: change.hibernate_after_seconds,
            life: change.life,
            log_policy: change.log_policy,
            log_after_days: change.log_after_days,
        }
    }
}
