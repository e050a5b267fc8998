//! Tests of the whole engine through its contract live in `tests/nox`: one binary, so that it links once.
