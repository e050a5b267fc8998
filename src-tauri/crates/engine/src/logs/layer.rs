//! Turns events of `tracing` into lines.

use super::redact;
use serde_json::{Map, Value, json};
use std::fmt;
use std::io::Write;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Subscriber};
use tracing_appender::non_blocking::NonBlocking;
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

/// The longest text one field keeps, in bytes; what is longer belongs into the spool, not into the log.
const MAX_TEXT_BYTES: usize = 16 * 1024;

/// The keys every line has; a field of the same name gets `field_` before it.
const OWN_KEYS: [&str; 6] = ["at", "time", "level", "target", "message", "span"];

/// Writes each event as one JSON line with the fields of its spans.
pub(super) struct LineLayer {
    writer: NonBlocking,
    stderr: bool,
}

impl LineLayer {
    pub(super) fn new(writer: NonBlocking, stderr: bool) -> Self {
        Self { writer, stderr }
    }
}

/// The fields of a span, as they are copied into every line within it.
struct SpanFields(Map<String, Value>);

impl<S> Layer<S> for LineLayer
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        span.extensions_mut().insert(SpanFields(fields.0));
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let mut fields = Fields::default();
        values.record(&mut fields);
        if let Some(known) = span.extensions_mut().get_mut::<SpanFields>() {
            known.0.extend(fields.0);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let now = jiff::Timestamp::now();
        let mut own = Fields::default();
        event.record(&mut own);
        let message = own.0.remove("message").unwrap_or_else(|| Value::from(""));

        let mut line = Map::new();
        line.insert("at".into(), json!(now.as_millisecond()));
        line.insert("time".into(), json!(format!("{now:.3}")));
        line.insert("level".into(), json!(event.metadata().level().as_str()));
        line.insert("target".into(), json!(event.metadata().target()));
        line.insert("message".into(), message);
        let mut fields = Map::new();
        if let Some(scope) = context.event_scope(event) {
            for span in scope.from_root() {
                line.insert("span".into(), json!(span.name()));
                if let Some(known) = span.extensions().get::<SpanFields>() {
                    fields.extend(known.0.clone());
                }
            }
        }
        fields.extend(own.0);
        for (key, value) in fields {
            let key = if OWN_KEYS.contains(&key.as_str()) { format!("field_{key}") } else { key };
            line.insert(key, value);
        }

        if self.stderr {
            let text = redact::redact_text(&for_people(&line)).into_owned();
            // Nobody can be told that standard error is closed.
            let _ = std::io::stderr().lock().write_all(text.as_bytes());
        }
        let mut bytes = Value::Object(line).to_string().into_bytes();
        bytes.push(b'\n');
        // The queue takes the line whole or counts it as dropped; neither is an error here.
        let _ = self.writer.clone().write_all(&bytes);
    }
}

/// A line as a person reads it: `12:30:01.250 WARN nox_engine: text key=value`.
fn for_people(line: &Map<String, Value>) -> String {
    let text = |key: &str| line.get(key).and_then(Value::as_str).unwrap_or_default();
    let time = text("time").get(11..23).unwrap_or_default();
    let mut out = format!("{time} {:5} {}: {}", text("level"), text("target"), text("message"));
    for (key, value) in line.iter().filter(|(key, _)| !OWN_KEYS.contains(&key.as_str())) {
        match value {
            Value::String(text) => out.push_str(&format!(" {key}={}", text.escape_debug())),
            other => out.push_str(&format!(" {key}={other}")),
        }
    }
    out.push('\n');
    out
}

/// Collects fields; text is redacted here, while it is still whole and not yet escaped.
#[derive(Default)]
struct Fields(Map<String, Value>);

impl Fields {
    fn put(&mut self, field: &Field, value: Value) {
        let value = match value {
            Value::String(text) if redact::is_secret_name(field.name()) && !text.is_empty() => {
                Value::from(redact::MASK)
            }
            Value::String(text) => Value::from(bounded(redact::redact_text(&text).into_owned())),
            other => other,
        };
        self.0.insert(field.name().to_owned(), value);
    }
}

fn bounded(mut text: String) -> String {
    if text.len() > MAX_TEXT_BYTES {
        let end = text.floor_char_boundary(MAX_TEXT_BYTES);
        let cut = text.len() - end;
        text.truncate(end);
        text.push_str(&format!("… ({cut} bytes cut)"));
    }
    text
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, Value::from(format!("{value:?}")));
    }
    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, Value::from(value));
    }
    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        let mut text = value.to_string();
        let mut source = value.source();
        while let Some(error) = source {
            text.push_str(&format!(": {error}"));
            source = error.source();
        }
        self.put(field, Value::from(text));
    }
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, Value::from(value));
    }
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, Value::from(value));
    }
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, Value::from(value));
    }
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, Value::from(value));
    }
}
