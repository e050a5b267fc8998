// Images that go with a message that is being written: pasted, dropped or chosen. Each is handed to the engine at once, which
// says whether it is one; what it took is kept here beside the words, and outlives leaving the place as they do.
import { announce } from '@/components/feedback/announce';
import { keeping } from '@/components/kept';
import { useNox } from '@/sync/context';
import type { Image, SessionId } from '../../bindings/nox';
import { asNoxError, type Bridge } from '../../bridge/bridge';
import { PICTURES } from './text';

/** The most that one message carries; the engine holds to the same. */
const MOST = 10;
const MOST_BYTES = 11_000_000;
/** The largest image. */
const LARGEST_BYTES = 3_500_000;
/** The longer side of what is kept to be looked at, in pixels. */
const THUMB = 128;

/** The kinds that can be chosen from a folder. */
export const ACCEPTED = 'image/png,image/jpeg,image/gif,image/webp';

/** A file on this computer whose name says that it is one of them. */
const IMAGE_PATH = /^([/\\]|[A-Za-z]:).*\.(png|jpe?g|gif|webp)$/i;

export interface Picture {
  key: string;
  name: string;
  /** A small copy of it; none when the window cannot draw it. */
  thumb: string | null;
  /** Null while the engine has not answered yet. */
  image: Image | null;
}

const NONE: readonly Picture[] = [];
/** By session. */
const kept = keeping(NONE);

export interface Pictures {
  all: readonly Picture[];
  /** Some are not taken yet. */
  adding: boolean;
  addFiles: (files: readonly File[]) => Promise<void>;
  addPaths: (paths: readonly string[]) => Promise<void>;
  /** An image of the clipboard, while something is pasted. */
  addCopied: () => Promise<void>;
  /** What of the files that are pasted are images; answers how the others are called, to be written into the message. */
  addCopiedFiles: () => Promise<string[]>;
  remove: (picture: Picture) => void;
  /** All of them, taken out; and how they are put back. */
  take: () => { images: Image[]; putBack: () => void };
}

/** `refused` hears why something was not added, and null when something is added. */
export function usePictures(session: SessionId, takes: boolean, refused: (why: string | null) => void): Pictures {
  const { bridge } = useNox();
  const [all, write] = kept.use(session);

  const add = async (some: readonly Adding[]) => {
    if (some.length === 0) return;
    refused(null);
    if (!takes) {
      refused(PICTURES.takesNone);
      return;
    }
    let room = MOST - all.length;
    let bytes = all.reduce((sum, { image }) => sum + (image?.size_bytes ?? 0), 0);
    for (const one of some) {
      bytes += one.size;
      if (one.size > LARGEST_BYTES) refused(PICTURES.tooLarge(one.name));
      else if (room <= 0 || bytes > MOST_BYTES) refused(PICTURES.tooMany);
      else {
        room -= 1;
        await begin(one);
      }
    }
  };

  const begin = async ({ name, hand, look }: Adding) => {
    const key = crypto.randomUUID();
    write((now) => [...now, { key, name, thumb: null, image: null }]);
    try {
      const image = await hand(bridge);
      if (!image) {
        write((now) => without(now, key));
        return;
      }
      const thumb = await look(image);
      write((now) =>
        now.some((known) => known.image?.sha256 === image.sha256)
          ? without(now, key)
          : now.map((known) => (known.key === key ? { ...known, image, thumb } : known)),
      );
      announce(PICTURES.added(name));
    } catch (thrown) {
      write((now) => without(now, key));
      const { message, hint } = asNoxError(thrown);
      refused([`${message}.`, hint].filter(Boolean).join(' '));
    }
  };

  const addCopiedFiles = async () => {
    refused(null);
    // It counts from the first moment on, so that no message goes without it.
    const key = crypto.randomUUID();
    write((now) => [...now, { key, name: PICTURES.pasted, thumb: null, image: null }]);
    const names = await bridge.copiedFiles().catch((): string[] => []);
    if (names.length === 0) refused(PICTURES.copiedGone);
    // What its program does not take may still be read by it where it lies.
    const isImage = (name: string) => takes && IMAGE_PATH.test(name);
    const adding = add(names.filter(isImage).map((path) => ofPath(path, session, bridge)));
    write((now) => without(now, key));
    await adding;
    return names.filter((name) => !isImage(name));
  };

  return {
    all,
    adding: all.some(({ image }) => image === null),
    addFiles: (files) => add(files.map(ofFile)),
    addPaths: (paths) => add(paths.map((path) => ofPath(path, session, bridge))),
    addCopied: () => add([ofClipboard(refused)]),
    addCopiedFiles,
    remove: (picture) => {
      refused(null);
      write((now) => without(now, picture.key));
      announce(PICTURES.removed(picture.name));
    },
    take: () => {
      write(NONE);
      return {
        images: all.flatMap(({ image }) => image ?? []),
        putBack: () => write((now) => [...all, ...now]),
      };
    },
  };
}

/** An image before it is one. */
interface Adding {
  name: string;
  /** 0 where nobody knows. */
  size: number;
  /** Null when there was nothing after all. */
  hand: (bridge: Bridge) => Promise<Image | null>;
  look: (image: Image) => Promise<string | null>;
}

function ofFile(file: File): Adding {
  const name = file.name || PICTURES.pasted;
  const read = () => readFile(file);
  return {
    name,
    size: file.size,
    hand: async (bridge) => {
      const url = await read();
      return bridge.addImage({ from: 'bytes', name, base64: url.slice(url.indexOf(',') + 1) });
    },
    look: async () => shrink(await read()),
  };
}

/** The image of the clipboard, if there is one. It is read at once: that is allowed only while something is pasted. */
function ofClipboard(refused: (why: string) => void): Adding {
  const reading = copied();
  return {
    name: PICTURES.pasted,
    size: 0,
    hand: async (bridge) => {
      const file = await reading;
      if (file && file.size > LARGEST_BYTES) refused(PICTURES.tooLarge(PICTURES.pasted));
      else if (file) return ofFile(file).hand(bridge);
      return null;
    },
    look: async (image) => {
      const file = await reading;
      return file && ofFile(file).look(image);
    },
  };
}

/**
 * WebKitGTK names no image where something is pasted, and hands it out here all the same while that is being done (measured
 * with 2.50). What cannot be read is none: there may be nothing at all.
 */
async function copied(): Promise<File | null> {
  try {
    for (const item of await navigator.clipboard.read()) {
      const type = item.types.find((known) => ACCEPTED.split(',').includes(known));
      if (type) return new File([await item.getType(type)], '', { type });
    }
  } catch {
    // Not allowed, or not there.
  }
  return null;
}

/** A file of which the desktop told the path alone: the engine reads it, and shows what it has read. */
function ofPath(path: string, session: SessionId, bridge: Bridge): Adding {
  return {
    name: path.split(/[\\/]/).filter(Boolean).at(-1) ?? path,
    size: 0,
    hand: () => bridge.addImage({ from: 'file', path }),
    look: async ({ sha256 }) => {
      const bytes = await bridge.readImage({ session, item: null, sha256 }).catch(() => null);
      return bytes && shrink(`data:image/${bytes.kind};base64,${bytes.base64}`);
    },
  };
}

function without(pictures: readonly Picture[], key: string): readonly Picture[] {
  const rest = pictures.filter((each) => each.key !== key);
  return rest.length === 0 ? NONE : rest;
}

function readFile(file: File): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result));
    reader.onerror = () => reject(new Error(PICTURES.unreadable(file.name)));
    reader.readAsDataURL(file);
  });
}

/** A small copy, so that what waits to be sent holds little memory. */
async function shrink(url: string): Promise<string | null> {
  try {
    const image = document.createElement('img');
    image.src = url;
    await image.decode();
    const scale = Math.min(1, THUMB / Math.max(image.naturalWidth, image.naturalHeight));
    const canvas = document.createElement('canvas');
    canvas.width = Math.max(1, Math.round(image.naturalWidth * scale));
    canvas.height = Math.max(1, Math.round(image.naturalHeight * scale));
    canvas.getContext('2d')?.drawImage(image, 0, 0, canvas.width, canvas.height);
    return canvas.toDataURL('image/png');
  } catch {
    return null;
  }
}
