// The images that go with the message that is being written, in front of its words; and the button that adds some.
import { useRef } from 'react';
import { IconButton } from '@/components/controls/Button';
import { Icon } from '@/components/icons/icons';
import { sizeText } from '@/components/words';
import s from './Composer.module.css';
import { ACCEPTED, type Picture, type Pictures } from './pictures';
import { PICTURES } from './text';

export interface PictureRowProps {
  pictures: Pictures;
  /** Where the focus goes when the last one is removed. */
  composer: React.RefObject<HTMLElement | null>;
}

export function PictureRow({ pictures, composer }: PictureRowProps) {
  const list = useRef<HTMLUListElement>(null);
  if (pictures.all.length === 0) return null;
  const remove = (picture: Picture, at: number) => {
    const rows = [...(list.current?.querySelectorAll('button') ?? [])];
    const next = rows[at + 1] ?? rows[at - 1] ?? composer.current;
    pictures.remove(picture);
    next?.focus();
  };
  return (
    <ul ref={list} className={s.pictures} aria-label={PICTURES.list(pictures.all.length)}>
      {pictures.all.map((picture, at) => (
        <li key={picture.key} className={s.picture} aria-busy={picture.image === null}>
          <span className={s.thumb}>{picture.thumb ? <img src={picture.thumb} alt="" /> : <Icon name="image" />}</span>
          <span className={s.pictureWords}>
            <span className={s.pictureName} title={picture.name}>
              {picture.name}
            </span>
            <span className={s.pictureSize}>
              {picture.image ? sizeText(picture.image.size_bytes) : PICTURES.adding}
            </span>
          </span>
          <IconButton
            icon="close"
            size="sm"
            label={PICTURES.remove(picture.name)}
            onClick={() => remove(picture, at)}
          />
        </li>
      ))}
    </ul>
  );
}

export function AddPictures({ pictures }: { pictures: Pictures }) {
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <IconButton icon="image" label={PICTURES.add} onClick={() => input.current?.click()} />
      <input
        ref={input}
        className="visually-hidden"
        type="file"
        accept={ACCEPTED}
        multiple
        // The button speaks for it.
        aria-hidden="true"
        tabIndex={-1}
        data-testid="add-pictures"
        onChange={(event) => {
          const files = [...(event.currentTarget.files ?? [])];
          // The same file can be chosen again.
          event.currentTarget.value = '';
          void pictures.addFiles(files);
        }}
      />
    </>
  );
}
