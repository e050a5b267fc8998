//! Settings that OpenCode ranks above Nox's (1.18.33): ones of a managed folder, ones that a sign-in brings from a server, and ones
//! of the organisation that its user works for. They start programs and allow calls unasked, so it is not started beside them.
//!
//! Looked for where the program looks: variables may name other places.

use super::{Dress, settings_in};
use crate::acp::faults::short;
use jsonc_parser::parse_to_serde_value;
use rusqlite::{Connection, OpenFlags, OptionalExtension};
use serde_json::Value;
use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
    time::Duration,
};

/// Where settings are managed.
const MANAGED: &str = if cfg!(target_os = "macos") {
    "/Library/Application Support/opencode"
} else if cfg!(windows) {
    r"C:\ProgramData\opencode"
} else {
    "/etc/opencode"
};

/// The address of the organisation that is worked for, by the column that says there is one: newer databases first, then those
/// that the program would bring up to date.
const ORGANISATIONS: &[(&str, &str, &str)] = &[
    (
        "account_state",
        "active_org_id",
        "SELECT url FROM account_state JOIN account ON account.id = active_account_id WHERE active_org_id <> ''",
    ),
    (
        "account",
        "selected_org_id",
        "SELECT url FROM account_state JOIN account ON account.id = active_account_id WHERE selected_org_id <> ''",
    ),
];

/// How long a database may be held by the program itself.
const BUSY: Duration = Duration::from_secs(2);

/// The places of such settings.
pub(super) struct Stronger {
    managed: PathBuf,
    /// What the user has signed in to.
    signs: Value,
    database: PathBuf,
}

impl Stronger {
    /// `data` is where conversations and sign-ins of the user lie.
    pub(super) fn of(dress: &Dress<'_>, data: &Path) -> Self {
        let value = |name: &str| dress.environment.get(OsStr::new(name)).filter(|value| !value.is_empty());
        // An old name of a program's own tests, which holds in the program all the same.
        let managed = value("OPENCODE_TEST_MANAGED_CONFIG_DIR").map_or_else(|| MANAGED.into(), PathBuf::from);
        let given = value("OPENCODE_AUTH_CONTENT").and_then(|given| given.to_str());
        let given = given.and_then(|given| parse_to_serde_value(given, &Default::default()).ok());
        let signs = given.unwrap_or_else(|| settings_in(&data.join("auth.json")));
        let database = value("OPENCODE_DB").map_or_else(|| Path::new("opencode.db"), Path::new);
        Self { managed, signs, database: data.join(database) }
    }

    /// Why it is not started, when there is a reason: in words that say what to do.
    pub(super) fn forbid(&self) -> Option<String> {
        if self.managed.symlink_metadata().is_ok() {
            return Some(format!(
                "OpenCode would follow the settings in {} before those of Nox, without asking. Choose another program for this agent.",
                short(&self.managed.display().to_string())
            ));
        }
        let mut signs = self.signs.as_object().into_iter().flatten();
        if let Some((address, _)) = signs.find(|(_, sign)| sign["type"] == "wellknown") {
            return Some(format!(
                "OpenCode would follow settings that it fetches from {}, without asking. Sign out there with opencode auth logout, or choose another program for this agent.",
                short(address)
            ));
        }
        match organisation(&self.database) {
            Ok(None) => None,
            Ok(Some(address)) => Some(format!(
                "OpenCode would follow settings of the organisation that you work for at {}, without asking. Sign out there with opencode console logout, or choose another program for this agent.",
                short(&address)
            )),
            Err(error) => Some(format!(
                "Nox cannot see in {} whether OpenCode would follow settings of an organisation: {}. Mend that, or choose another program for this agent.",
                short(&self.database.display().to_string()),
                short(&error.to_string())
            )),
        }
    }
}

/// Where the organisation is reached that the user works for, when there is one.
fn organisation(database: &Path) -> rusqlite::Result<Option<String>> {
    if !database.exists() {
        return Ok(None);
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let database = Connection::open_with_flags(database, flags)?;
    database.busy_timeout(BUSY)?;
    for (table, column, query) in ORGANISATIONS {
        let has_it = "SELECT count(*) FROM pragma_table_info(?1) WHERE name = ?2";
        if database.query_row(has_it, [table, column], |row| row.get::<_, u32>(0))? > 0 {
            let found = database.query_row(query, [], |row| row.get(0)).optional()?;
            if found.is_some() {
                return Ok(found);
            }
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use serde_json::json;
    use std::collections::BTreeMap;

    fn said(data: &Path, variables: &[(&str, &str)]) -> Option<String> {
        let start = crate::testing::start().0;
        let managed = data.join("managed").display().to_string();
        let variables = [&[("OPENCODE_TEST_MANAGED_CONFIG_DIR", managed.as_str())], variables].concat();
        let mut environment: BTreeMap<_, _> =
            variables.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        let dress =
            Dress { start: &start, root: data, environment: &mut environment, told_model: false, meta: None };
        Stronger::of(&dress, data).forbid()
    }

    #[tokio::test]
    async fn it_is_not_started_beside_managed_settings_or_ones_that_a_sign_in_brings() {
        let data = tempfile::tempdir().unwrap();
        let auth = data.path().join("auth.json");
        assert_eq!(said(data.path(), &[]), None);
        std::fs::write(&auth, r#"{ "openai": { "type": "api", "key": "test-key" } }"#).unwrap();
        assert_eq!(said(data.path(), &[]), None);
        let sign = json!({ "http://127.0.0.1:9": { "type": "wellknown", "key": "K", "token": "test-key" } });
        let given = sign.to_string();
        assert!(said(data.path(), &[("OPENCODE_AUTH_CONTENT", &given)]).unwrap().contains("127.0.0.1:9"));
        std::fs::write(&auth, &given).unwrap();
        assert_eq!(said(data.path(), &[("OPENCODE_AUTH_CONTENT", "{}")]), None);
        let words = said(data.path(), &[]).unwrap();
        assert!(
            words.contains("127.0.0.1:9") && words.contains("Sign out") && !words.contains("test-key"),
            "{words}"
        );
        std::fs::create_dir(data.path().join("managed")).unwrap();
        assert!(said(data.path(), &[]).unwrap().contains("managed"));
    }

    #[tokio::test]
    async fn it_is_not_started_for_an_organisation() {
        let data = tempfile::tempdir().unwrap();
        let at = |name: &str| Connection::open(data.path().join(name)).unwrap();
        let database = at("opencode.db");
        database.execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE session (id text)").unwrap();
        assert_eq!(said(data.path(), &[]), None, "it knows no accounts yet");
        database
            .execute_batch(
                "CREATE TABLE account (id text PRIMARY KEY, url text);
                 CREATE TABLE account_state (id integer PRIMARY KEY, active_account_id text, active_org_id text);
                 INSERT INTO account VALUES ('a', 'https://console.example');
                 INSERT INTO account_state VALUES (1, 'a', NULL)",
            )
            .unwrap();
        assert_eq!(said(data.path(), &[]), None, "signed in for nobody else");
        database.execute("UPDATE account_state SET active_org_id = 'o'", []).unwrap();
        let words = said(data.path(), &[]).unwrap();
        assert!(words.contains("https://console.example") && words.contains("Sign out"), "{words}");
        let old = at("old.db");
        old.execute_batch(
            "CREATE TABLE account (id text PRIMARY KEY, url text, selected_org_id text);
             CREATE TABLE account_state (id integer PRIMARY KEY, active_account_id text);
             INSERT INTO account VALUES ('a', 'https://old.example', 'o');
             INSERT INTO account_state VALUES (1, 'a')",
        )
        .unwrap();
        assert!(said(data.path(), &[("OPENCODE_DB", "old.db")]).unwrap().contains("https://old.example"));
        assert_eq!(said(data.path(), &[("OPENCODE_DB", "none.db")]), None);
        std::fs::write(data.path().join("odd.db"), "no database, only words").unwrap();
        let odd = said(data.path(), &[("OPENCODE_DB", "odd.db")]).unwrap();
        assert!(odd.contains("odd.db") && odd.contains("cannot see"), "{odd}");
    }
}
