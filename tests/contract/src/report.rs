//! What the suite prints: the matrix, the evidence for what is not offered, what failed, and the count.

use crate::programs::Installed;
use std::{process::ExitCode, time::Duration};

/// What became of one scenario with one program.
pub(crate) enum Cell {
    /// How long it took.
    Passed(Duration),
    /// Nothing tried to reach another address.
    NoTries,
    /// What was wrong.
    Failed(String),
    /// The program does not offer it: the evidence.
    NotOffered(&'static str),
}

impl Cell {
    fn word(&self) -> String {
        match self {
            Self::Passed(took) => format!("pass {:.1} s", took.as_secs_f64()),
            Self::NoTries => "0 tries".to_owned(),
            Self::Failed(_) => "FAIL".to_owned(),
            Self::NotOffered(_) => "not offered".to_owned(),
        }
    }
}

/// Prints all of it; a failure if one scenario failed.
pub(crate) fn print(programs: &[Installed<'_>], rows: &[(&str, Vec<Cell>)]) -> ExitCode {
    let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    print!("\n{:<width$}", "scenario");
    programs.iter().for_each(|program| print!("  {:>12}", program.row.name));
    println!();
    for (name, cells) in rows {
        print!("{name:<width$}");
        cells.iter().for_each(|cell| print!("  {:>12}", cell.word()));
        println!();
    }
    println!();
    evidence(programs, rows);
    let each =
        || rows.iter().flat_map(|(name, cells)| programs.iter().zip(cells).map(move |pair| (name, pair)));
    for (name, (program, cell)) in each() {
        if let Cell::Failed(why) = cell {
            println!("FAILED {}: {name}\n  {}\n", program.row.name, why.replace('\n', "\n  "));
        }
    }
    let count = |is: fn(&Cell) -> bool| each().filter(|(_, (_, cell))| is(cell)).count();
    let passed = count(|cell| matches!(cell, Cell::Passed(_) | Cell::NoTries));
    let failed = count(|cell| matches!(cell, Cell::Failed(_)));
    println!("{passed} passed, {failed} failed");
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Why some cells are empty, and what is left out within those that are not.
fn evidence(programs: &[Installed<'_>], rows: &[(&str, Vec<Cell>)]) {
    let mut said = false;
    for (column, program) in programs.iter().enumerate() {
        let name = program.row.name;
        for (scenario, cells) in rows {
            if let Cell::NotOffered(evidence) = cells[column] {
                println!("{name}: {scenario} is not offered. {evidence}");
                said = true;
            }
        }
        for (lack, evidence) in program.row.lacks {
            println!("{name} {}. {evidence}", lack.words());
            said = true;
        }
    }
    if said {
        println!();
    }
}
