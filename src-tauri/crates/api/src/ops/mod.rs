//! The operations of the catalogue, one method each, and the way to them by name.

mod agents;
mod discovery;
mod doctor;
mod live;
mod log;
mod queries;
mod sessions;
mod settings;
mod tasks;
mod vitals;

pub use log::rebuild;

use crate::{Api, ApiError, ErrorCode, dto::*};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{
    Value,
    value::{RawValue, to_raw_value},
};

fn input<T: DeserializeOwned>(value: Value) -> Result<T, ApiError> {
    // Nothing at all stands for an empty object.
    let value = if value.is_null() { Value::Object(Default::default()) } else { value };
    serde_json::from_value(value).map_err(ApiError::not_understood)
}

fn output<T: Serialize>(value: T) -> Result<Box<RawValue>, ApiError> {
    to_raw_value(&value).map_err(|error| ApiError::new(ErrorCode::Internal, error.to_string()))
}

macro_rules! dispatch {
    ($($kind:ident $name:ident($input:ident) -> $output:ident $(, names $files:ident)?;)*) => {
        /// All operations, in the catalogue's order.
        pub const OPERATIONS: &[Operation] = &[$(Operation {
            name: stringify!($name),
            kind: dispatch!(@kind $kind),
            files: dispatch!(@files $($files)?),
        }),*];

        impl Api {
            /// Does an operation by its name, with JSON in and out: the way of every face but Rust's own calls.
            pub async fn call(
                &self,
                operation: &str,
                caller: &Caller,
                value: Value,
            ) -> Result<Box<RawValue>, ApiError> {
                match operation {
                    $(stringify!($name) => dispatch!(@call $kind, self, caller, $name, value, $input),)*
                    _ => Err(ApiError::new(
                        ErrorCode::UnknownOperation,
                        format!("there is no operation “{operation}”"),
                    )
                    .hint("The two sides have different versions: update the older one.")),
                }
            }
        }
    };
    (@kind command) => { OperationKind::Command };
    (@kind query) => { OperationKind::Query };
    (@kind act) => { OperationKind::Act };
    (@files) => { None };
    (@files $files:ident) => { Some(NamedFiles::$files) };
    (@call command, $api:ident, $caller:ident, $name:ident, $value:ident, $input:ident) => {
        output($api.$name($caller, input::<$input>($value)?).await?)
    };
    (@call act, $api:ident, $caller:ident, $name:ident, $value:ident, $input:ident) => {
        output($api.$name(input::<$input>($value)?).await?)
    };
    (@call query, $api:ident, $caller:ident, $name:ident, $value:ident, $input:ident) => {
        output($api.$name(input::<$input>($value)?).await?)
    };
}

/// What the catalogue says of an operation, beside its input and output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Operation {
    /// As every face calls it.
    pub name: &'static str,
    /// Whether it changes something.
    pub kind: OperationKind,
    /// The files that its input names.
    pub files: Option<NamedFiles>,
}

/// The files of this computer that an input names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NamedFiles {
    /// One at `path`, which is written.
    Export,
    /// One at `path`, which is read.
    Import,
    /// One at `path`, which is read; none where an image comes as its bytes.
    Image,
    /// Those of `paths`, which are read, copied or, a folder, granted.
    Things,
}

/// Whether an operation changes something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OperationKind {
    /// It does, and is answered from its receipt when it is repeated.
    Command,
    /// It only reads.
    Query,
    /// It does something of which nothing is recorded: starts a program, asks a server, writes a file of the caller's.
    Act,
}

crate::with_catalogue!(dispatch);
