//! Files that are known by their content: images of sessions, and what was attached to tasks.
//!
//! Each lies in the documents under its SHA-256. It appears whole, the same content twice is one file, and what is read is the
//! content that was asked for or nothing. What keeps a file again makes it as new.

use async_trait::async_trait;
use nox_domain::{
    image::{self, Image, MAX_IMAGE_BYTES},
    tool::sha256_hex,
};
use nox_runtimes::ImageStore;
use std::{
    fs::{self, File},
    io::{self, Read, Write},
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

/// How files begin whose writing was cut off.
const UNFINISHED: &str = ".unfinished-";

/// The folder of documents. Clones share it.
#[derive(Debug, Clone)]
pub struct Documents {
    folder: PathBuf,
    /// Held while a file is made as new.
    touching: Arc<Mutex<()>>,
}

impl Documents {
    /// The documents in this folder, which is there.
    pub(crate) fn at(folder: PathBuf) -> Self {
        Self { folder, touching: Arc::default() }
    }

    /// Takes away what an engine that was killed had not written to its end. Nobody else writes here meanwhile: the home is
    /// held. What cannot be taken away keeps nobody from starting.
    pub(crate) fn sweep(&self) {
        let found = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        for entry in found.filter(|entry| entry.file_name().to_string_lossy().starts_with(UNFINISHED)) {
            if let Err(error) = fs::remove_file(entry.path()) {
                tracing::warn!(%error, "a document that was cut off stays");
            }
        }
    }

    /// Where the content with this hash lies, if it lies anywhere. None for what is no hash.
    pub(crate) fn place(&self, sha256: &str) -> Option<PathBuf> {
        image::is_sha256(sha256).then(|| self.folder.join(sha256))
    }

    /// Keeps some content; answers its hash. It blocks.
    ///
    /// # Errors
    /// It cannot be written.
    pub(crate) fn keep(&self, bytes: &[u8]) -> io::Result<String> {
        let sha256 = sha256_hex(bytes);
        let target = self.folder.join(&sha256);
        if self.is_kept_again(&target, bytes) {
            return Ok(sha256);
        }
        let mut file = tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(&self.folder)?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        file.persist(target)?;
        #[cfg(unix)]
        File::open(&self.folder)?.sync_all()?;
        Ok(sha256)
    }

    /// Whether it lies there already, whole; then it is as new.
    fn is_kept_again(&self, target: &PathBuf, bytes: &[u8]) -> bool {
        let _touching = self.touching.lock().unwrap_or_else(PoisonError::into_inner);
        // Somebody may have put something large in its place.
        let is_as_long = fs::metadata(target).is_ok_and(|about| about.len() == bytes.len() as u64);
        if !is_as_long || fs::read(target).ok().as_deref() != Some(bytes) {
            return false;
        }
        let file = File::options().append(true).open(target);
        file.and_then(|file| file.set_modified(SystemTime::now())).is_ok()
    }

    /// The content with this hash; none when it is not there any more, is larger, or is another. It blocks.
    pub(crate) fn read(&self, sha256: &str, most_bytes: usize) -> Option<Vec<u8>> {
        let path = self.place(sha256)?;
        let mut bytes = Vec::new();
        File::open(path).ok()?.take(most_bytes as u64 + 1).read_to_end(&mut bytes).ok()?;
        (bytes.len() <= most_bytes && sha256_hex(&bytes) == sha256).then_some(bytes)
    }
}

#[async_trait]
impl ImageStore for Documents {
    async fn keep(&self, name: &str, bytes: Vec<u8>) -> Result<Image, String> {
        let (documents, name) = (self.clone(), name.to_owned());
        let keeping = tokio::task::spawn_blocking(move || {
            let image = Image::of(&name, &bytes)?;
            documents.keep(&bytes).map_err(|error| format!("it cannot be kept: {error}"))?;
            Ok(image)
        });
        keeping.await.unwrap_or_else(|_| Err("it cannot be kept".to_owned()))
    }

    async fn read(&self, image: &Image) -> Option<Vec<u8>> {
        let (documents, sha256) = (self.clone(), image.sha256.clone());
        let reading = tokio::task::spawn_blocking(move || documents.read(&sha256, MAX_IMAGE_BYTES));
        reading.await.ok().flatten()
    }

    fn path(&self, image: &Image) -> PathBuf {
        self.place(&image.sha256).unwrap_or_else(|| self.folder.clone())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn documents() -> (tempfile::TempDir, Documents) {
        let folder = tempfile::tempdir().unwrap();
        let documents = Documents::at(folder.path().to_owned());
        (folder, documents)
    }

    #[tokio::test]
    async fn an_image_is_kept_once_and_read_as_it_was() {
        let (folder, documents) = documents();
        let bytes = b"GIF89a\x03\0\x02\0\0\0\0;".to_vec();
        let image = ImageStore::keep(&documents, "a.gif", bytes.clone()).await.unwrap();
        let again = ImageStore::keep(&documents, "b.gif", bytes.clone()).await.unwrap();
        assert_eq!((image.sha256.as_str(), again.name.as_str()), (again.sha256.as_str(), "b.gif"));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        assert_eq!(ImageStore::read(&documents, &image).await, Some(bytes.clone()));
        // What somebody changed is not the image any more; whoever keeps it again mends it.
        fs::write(documents.path(&image), b"GIF89a\x04\0\x02\0\0\0\0;").unwrap();
        assert_eq!(ImageStore::read(&documents, &image).await, None);
        ImageStore::keep(&documents, "a.gif", bytes.clone()).await.unwrap();
        assert_eq!(ImageStore::read(&documents, &image).await, Some(bytes));
        fs::remove_file(documents.path(&image)).unwrap();
        assert_eq!(ImageStore::read(&documents, &image).await, None);
        assert!(ImageStore::keep(&documents, "x", b"<svg/>".to_vec()).await.is_err());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "what is none is not kept");
    }

    #[test]
    fn what_was_cut_off_is_taken_away_and_nothing_else() {
        let (folder, documents) = documents();
        let sha256 = documents.keep(b"12345").unwrap();
        let cut = folder.path().join(format!("{UNFINISHED}a1b2c3"));
        fs::write(&cut, b"123").unwrap();
        fs::write(folder.path().join("notes.txt"), b"somebody's own").unwrap();
        documents.sweep();
        assert!(!cut.exists() && folder.path().join("notes.txt").exists());
        assert_eq!(documents.read(&sha256, 5).as_deref(), Some(&b"12345"[..]));
    }

    #[test]
    fn nothing_but_a_hash_is_looked_for_and_nothing_larger_is_read() {
        let (folder, documents) = documents();
        let outside = tempfile::NamedTempFile::new_in(folder.path()).unwrap();
        let name = outside.path().file_name().unwrap().to_str().unwrap().to_owned();
        for wrong in [name.as_str(), "", ".", "../x", &"F".repeat(64), &"0".repeat(64)] {
            assert_eq!(documents.read(wrong, 100), None);
        }
        let sha256 = documents.keep(b"12345").unwrap();
        assert_eq!(documents.read(&sha256, 5).as_deref(), Some(&b"12345"[..]));
        assert_eq!(documents.read(&sha256, 4), None);
    }
}
