//! The command line of the suite.

use crate::{parts, plan::Form};

pub(crate) const USAGE: &str = "npm run chaos                     the quick form, a step of npm test
npm run chaos -- --long           the long form; the same command again goes on where the last one stopped
                 --part NAME      only this part: kills, syscalls, mutations, flood, many, cycles, model, culprits
                 --seed N         lots are drawn from this number
                 --tries N        so many tries of each part that counts them
                 --skip N         leaves out the first N tries of each part that counts them
                 --fresh          forgets what the long form has done";

/// What is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) form: Form,
    pub(crate) part: Option<&'static str>,
    pub(crate) seed: Option<u64>,
    pub(crate) tries: Option<u32>,
    pub(crate) skip: u32,
    pub(crate) fresh: bool,
}

/// Reads the words of the command line; the error is for people.
pub(crate) fn read(words: &[&str]) -> Result<Wanted, String> {
    let mut wanted = Wanted { form: Form::Quick, part: None, seed: None, tries: None, skip: 0, fresh: false };
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let mut value = || words.next().copied().ok_or_else(|| format!("{word} wants a value."));
        let number =
            |text: &str| text.parse::<u64>().map_err(|_| format!("{word} wants a number, not {text}."));
        match *word {
            "--long" => wanted.form = Form::Long,
            "--fresh" => wanted.fresh = true,
            "--seed" => wanted.seed = Some(number(value()?)?),
            "--tries" => {
                let tries =
                    u32::try_from(number(value()?)?).map_err(|_| "--tries is too large.".to_owned())?;
                wanted.tries = Some(tries.max(1));
            }
            "--skip" => {
                wanted.skip =
                    u32::try_from(number(value()?)?).map_err(|_| "--skip is too large.".to_owned())?;
            }
            "--part" => {
                let name = value()?;
                let part = parts::ALL.iter().find(|part| part.name == name);
                wanted.part = Some(part.ok_or_else(|| format!("There is no part {name}."))?.name);
            }
            _ => return Err(format!("{word} is not understood.")),
        }
    }
    Ok(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_understood_or_named() {
        let read_all = |line: &str| read(&line.split_whitespace().collect::<Vec<_>>());
        let wanted = read_all("--long --part kills --seed 7 --tries 20 --skip 3 --fresh").unwrap();
        let expected = Wanted {
            form: Form::Long,
            part: Some("kills"),
            seed: Some(7),
            tries: Some(20),
            skip: 3,
            fresh: true,
        };
        assert_eq!(wanted, expected);
        assert_eq!(read_all("").unwrap().form, Form::Quick);
        for (line, named) in
            [("--part nothing", "nothing"), ("--seed x", "x"), ("--tries", "--tries"), ("go", "go")]
        {
            assert!(read_all(line).unwrap_err().contains(named), "{line}");
        }
    }
}
