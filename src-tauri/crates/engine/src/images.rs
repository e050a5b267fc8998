//! Images that people show their agents: those that are added to a message, and those that came with a task. And reading what
//! a session shows.
//!
//! Whoever names an image is not believed: what it is, is read from its bytes here, before it is recorded with a prompt.

use crate::{Engine, Error, documents::Documents, drops::COPY_BYTES};
use nox_domain::{
    ids::{ItemId, SessionId},
    image::{Image, ImageKind, MAX_IMAGE_BYTES, MAX_PROMPT_IMAGES, fit_one_prompt, too_large},
    rows::TaskRow,
    session::Rejection,
    task::Attachment,
};
use nox_runtimes::ImageStore;
use std::{
    collections::VecDeque,
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

/// So many of the images that were added last can be looked at.
const LOOKED_AT: usize = 64;

/// An image that a person adds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Added {
    /// Its bytes, and what it is called.
    Bytes(String, Vec<u8>),
    /// A file. Absolute.
    File(PathBuf),
}

/// The images that were added last, the newest behind: whoever added one may look at it before a prompt names it.
#[derive(Debug, Default)]
pub(crate) struct LastAdded(Mutex<VecDeque<Image>>);

impl LastAdded {
    fn push(&self, image: &Image) {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        last.retain(|known| known.sha256 != image.sha256);
        if last.len() >= LOOKED_AT {
            last.pop_front();
        }
        last.push_back(image.clone());
    }

    fn find(&self, sha256: &str) -> Option<Image> {
        let last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        last.iter().find(|image| image.sha256 == sha256).cloned()
    }
}

impl Engine {
    /// Keeps an image, so that a prompt can name it.
    ///
    /// # Errors
    /// It is none that can be shown, cannot be read, or the disk does not take it.
    pub async fn add_image(&self, added: Added) -> Result<Image, Error> {
        let documents = self.documents().clone();
        // Files may lie on a network that answers late.
        let adding = tokio::task::spawn_blocking(move || add(&documents, added));
        let image = adding.await.map_err(|_| Error::Closing)??;
        self.inner.added.push(&image);
        Ok(image)
    }

    /// An image that a session shows, in one of its items or in a prompt that waits, with its bytes; without an item also one
    /// that was added just now. What no session names is
    /// told to nobody.
    ///
    /// # Errors
    /// Nothing shows it there, or its file is not there any more.
    pub async fn read_image(
        &self,
        session: &SessionId,
        item: Option<&ItemId>,
        sha256: &str,
    ) -> Result<(Image, Vec<u8>), Error> {
        let named = match item {
            Some(item) => {
                let item = self.item(item).await?;
                if item.session != *session {
                    return Err(Error::not_found("item", item.id));
                }
                item.body.images().to_vec()
            }
            None => {
                let waiting = self.controls(session).await?.waiting;
                waiting
                    .into_iter()
                    .flat_map(|prompt| prompt.images)
                    .chain(self.inner.added.find(sha256))
                    .collect()
            }
        };
        let image = named.into_iter().find(|image| image.sha256 == sha256);
        let image = image.ok_or_else(|| Error::not_found("image", sha256))?;
        let bytes = ImageStore::read(self.documents(), &image).await;
        // What somebody else put in its place is not shown either.
        let bytes = bytes.filter(|bytes| Image::of("", bytes).is_ok_and(|found| found.kind == image.kind));
        bytes.map(|bytes| (image, bytes)).ok_or_else(|| Error::not_found("file of the image", sha256))
    }

    /// The images of a prompt, as they lie here.
    pub(crate) async fn images_of_prompt(&self, images: Vec<Image>) -> Result<Vec<Image>, Error> {
        if images.len() > MAX_PROMPT_IMAGES {
            return Err(Rejection::TooManyImages.into());
        }
        if images.is_empty() {
            return Ok(images);
        }
        let documents = self.documents().clone();
        let reading = tokio::task::spawn_blocking(move || {
            images.iter().map(|image| known(&documents, image)).collect()
        });
        reading.await.map_err(|_| Error::Closing)?
    }

    /// What a task's agent is asked first: its text, and the images that came with it. Those that cannot be shown are named.
    pub(crate) async fn first_prompt(&self, task: &TaskRow, body: String) -> (String, Vec<Image>) {
        let (images, others) = self.images_of(task.attachments.clone()).await;
        if others.is_empty() {
            return (body, images);
        }
        let more = "These images came with this task and are not shown here: they are too large, or too many. Each lies in a file:";
        (format!("{}\n\n{more}\n- {}", body.trim_end(), others.join("\n- ")), images)
    }

    /// The images among these, as many as fit into one prompt; and lines about the others.
    async fn images_of(&self, attachments: Vec<Attachment>) -> (Vec<Image>, Vec<String>) {
        let documents = self.documents().clone();
        let finding = tokio::task::spawn_blocking(move || {
            let (mut images, mut others) = (Vec::new(), Vec::new());
            for attachment in attachments {
                let Attachment::Document { name, sha256, .. } = attachment else { continue };
                let Some(bytes) = documents.read(&sha256, COPY_BYTES as usize) else { continue };
                match Image::of(&name, &bytes) {
                    Ok(image) if fit_one_prompt(&[&images[..], std::slice::from_ref(&image)].concat()) => {
                        images.push(image)
                    }
                    _ if ImageKind::of(&bytes).is_some() => {
                        let place = documents.place(&sha256).unwrap_or_default();
                        others.push(format!("{}: {}", shown(&name), place.display()));
                    }
                    _ => {}
                }
            }
            (images, others)
        });
        finding.await.unwrap_or_default()
    }
}

fn add(documents: &Documents, added: Added) -> Result<Image, Error> {
    let (name, bytes) = match added {
        Added::Bytes(name, bytes) => (name, bytes),
        Added::File(path) => {
            let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
            let bytes = read(&path).map_err(|error| match error.kind() {
                io::ErrorKind::FileTooLarge => refused(&name, too_large(), SMALLER),
                _ => {
                    let hint = "Add it again when it is there.";
                    Error::bad_input("path", format!("{} cannot be read: {error}", shown(&name)), hint)
                }
            })?;
            (name, bytes)
        }
    };
    let hint = ImageKind::of(&bytes).map_or(ANOTHER, |_| SMALLER);
    let image = Image::of(&name, &bytes).map_err(|why| refused(&name, &why, hint))?;
    documents.keep(&bytes).map_err(|source| Error::home(Path::new("documents"), source))?;
    Ok(image)
}

/// A file that may be an image.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    if !path.is_absolute() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no whole path"));
    }
    // Before it is opened: a pipe would wait for somebody who writes into it.
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no file"));
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_IMAGE_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    match bytes.len() {
        0..=MAX_IMAGE_BYTES => Ok(bytes),
        _ => Err(io::ErrorKind::FileTooLarge.into()),
    }
}

fn shown(name: &str) -> String {
    nox_domain::terminal::harmless(name.as_bytes()).replace('\n', " ")
}

const ANOTHER: &str = "Save it as one of these, or write where it lies.";
const SMALLER: &str = "Make it smaller first.";

fn refused(name: &str, why: &str, hint: &str) -> Error {
    Error::bad_input("image", format!("{} is not added: {why}", shown(name)), hint)
}

/// The image that a prompt names, as it is.
fn known(documents: &Documents, image: &Image) -> Result<Image, Error> {
    let bytes = documents.read(&image.sha256, MAX_IMAGE_BYTES);
    let found = bytes.and_then(|bytes| Image::of(&image.name, &bytes).ok());
    found.ok_or_else(|| {
        let message = format!("the image {} is not there any more", shown(&image.name));
        Error::bad_input("images", message, "Add it again.")
    })
}
