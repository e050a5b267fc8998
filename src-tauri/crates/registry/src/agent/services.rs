//! The tables `[services.NAME]` of `agent.toml`: MCP servers that an agent may use.

use super::{edit_environment, edit_value, program, read_environment};
use crate::{
    problem::quoted,
    toml_text::{Fields, Read},
};
use nox_domain::{
    agent::{Runtime, Service},
    rows::FileProblem,
};
use std::collections::BTreeMap;
use toml_edit::{Item, Table, TableLike};

const KEYS: &[&str] = &["command", "arguments", "environment", "address", "key"];

/// Reads all of them.
pub(super) fn read(
    root: &Fields<'_>,
    runtime: Runtime,
    warnings: &mut Vec<FileProblem>,
) -> Read<BTreeMap<String, Service>> {
    let Some(table) = root.table("services")? else { return Ok(BTreeMap::new()) };
    if !runtime.has_program() {
        return Err(root.fault(
            "services",
            "no_services",
            format!("The runtime {} uses no services.", quoted(runtime.as_str())),
            "Remove the tables [services], or choose another runtime.",
        ));
    }
    let all = Fields { source: root.source, table, prefix: "services." };
    let mut services = BTreeMap::new();
    for (name, _) in table.iter() {
        // Models see the name in front of each tool.
        if !program::is_tool_name(name) {
            let message = format!("{} cannot name a service.", quoted(name));
            return Err(all.fault(name, "bad_name", message, "Use letters, figures, _ and -, 64 at most."));
        }
        let Some(table) = all.table(name)? else { continue };
        let prefix = format!("services.{name}.");
        let fields = Fields { source: root.source, table, prefix: &prefix };
        warnings.extend(fields.unknown(KEYS).map(|problem| *problem));
        services.insert(name.to_owned(), read_one(&all, name, &fields)?);
    }
    Ok(services)
}

fn read_one(all: &Fields<'_>, name: &str, fields: &Fields<'_>) -> Read<Service> {
    let service = Service {
        command: program::text(fields, "command")?,
        arguments: fields.texts("arguments")?.unwrap_or_default(),
        environment: read_environment(fields)?,
        address: program::text(fields, "address")?,
        key: program::text(fields, "key")?,
    };
    program::is_address(fields, service.address.as_deref(), "a service")?;
    program::is_no_secret(fields, service.key.as_deref())?;
    match (&service.command, &service.address) {
        (Some(_), None) if service.key.is_some() => Err(fields.fault(
            "key",
            "no_address",
            "A key is sent to an address, and this service has none.",
            "Remove the line.",
        )),
        (Some(_), None) | (None, Some(_)) => Ok(service),
        _ => Err(all.fault(
            name,
            "bad_service",
            format!("The service {} needs a command or an address, and not both.", quoted(name)),
            "Write command = \"…\" for one that is started, address = \"…\" for one that runs by itself.",
        )),
    }
}

/// Changes what is not the same, and leaves the other lines.
pub(super) fn edit(
    table: &mut dyn TableLike,
    old: &BTreeMap<String, Service>,
    new: &BTreeMap<String, Service>,
) {
    for name in old.keys().filter(|name| !new.contains_key(*name)) {
        table.remove(name);
    }
    for (name, service) in new.iter().filter(|(name, service)| old.get(*name) != Some(service)) {
        let before = old.get(name).cloned().unwrap_or_default();
        let entry = table.entry(name).or_insert_with(|| Item::Table(Table::new()));
        let Some(table) = entry.as_table_like_mut() else { continue };
        edit_value(table, "command", before.command.as_deref(), service.command.as_deref());
        program::edit_texts(table, "arguments", &before.arguments, &service.arguments);
        edit_value(table, "address", before.address.as_deref(), service.address.as_deref());
        edit_value(table, "key", before.key.as_deref(), service.key.as_deref());
        if before.environment != service.environment {
            let entry = table.entry("environment").or_insert_with(|| Item::Table(Table::new()));
            if let Some(table) = entry.as_table_like_mut() {
                edit_environment(table, &before.environment, &service.environment);
            }
        }
    }
}
