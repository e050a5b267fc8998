// Markdown that somebody else wrote: drawn from its syntax tree. HTML is text, pictures are never fetched, and a link
// shows where it leads and asks before it opens.
import { memo, useState } from 'react';
import ReactMarkdown, { type Components } from 'react-markdown';
import remarkGfm from 'remark-gfm';
import { cx } from '../cx';
import { ConfirmDialog } from '../dialog/ConfirmDialog';
import { DIALOG } from '../dialog/text';
import { CodeBlock } from './Code';
import s from './Markdown.module.css';
import { TEXT } from './text';

export interface MarkdownProps {
  text: string;
  /** It is still being written: an unfinished fence is closed for now. */
  streaming?: boolean | undefined;
  /** Opens an address outside the window; it was asked about before. */
  onOpenLink: (url: string) => void;
  className?: string | undefined;
}

const PLUGINS = [remarkGfm];

/** Draws again only when the text changes; finished items therefore never do. */
export const Markdown = memo(function Markdown({ text, streaming = false, onOpenLink, className }: MarkdownProps) {
  const [asked, setAsked] = useState<string | null>(null);
  return (
    <div className={cx(s.markdown, className)} data-selectable>
      <ReactMarkdown remarkPlugins={PLUGINS} components={componentsFor(setAsked)}>
        {streaming ? closeFence(text) : text}
      </ReactMarkdown>
      <ConfirmDialog
        opened={asked !== null}
        question={DIALOG.openLink}
        stay={DIALOG.stay}
        go={DIALOG.open}
        tone="primary"
        onStay={() => setAsked(null)}
        onGo={() => {
          if (asked) onOpenLink(asked);
          setAsked(null);
        }}
      >
        <p>{DIALOG.openLinkHint}</p>
        <code className={s.target}>{asked}</code>
      </ConfirmDialog>
    </div>
  );
});

const OPENABLE = /^(https?|mailto):/i;

function componentsFor(ask: (url: string) => void): Components {
  return {
    a({ href, children }) {
      if (!href || !OPENABLE.test(href)) return <span title={href}>{children}</span>;
      return (
        <a
          href={href}
          title={href}
          rel="noreferrer noopener"
          onClick={(event) => {
            event.preventDefault();
            ask(href);
          }}
          onAuxClick={(event) => event.preventDefault()}
        >
          {children}
        </a>
      );
    },
    img({ alt, src }) {
      return (
        <span className={s.image} title={typeof src === 'string' ? src : undefined}>
          {TEXT.image(alt ?? '')}
        </span>
      );
    },
    pre({ node }) {
      const code = node?.children[0];
      const first = code?.type === 'element' ? code.children[0] : undefined;
      return <CodeBlock text={first?.type === 'text' ? first.value.replace(/\n$/, '') : ''} />;
    },
    input({ checked }) {
      return <input type="checkbox" checked={Boolean(checked)} disabled readOnly />;
    },
    table({ children }) {
      return (
        <div className={s.scroll}>
          <table>{children}</table>
        </div>
      );
    },
  };
}

/** A fence without its end would swallow what follows it while the text streams. */
export function closeFence(text: string): string {
  let open: string | null = null;
  for (const line of text.split('\n')) {
    const fence = /^ {0,3}(`{3,}|~{3,})(.*)$/.exec(line);
    if (!fence?.[1]) continue;
    if (open === null) open = fence[1];
    else if (fence[1].startsWith(open) && fence[2]?.trim() === '') open = null;
  }
  return open === null ? text : `${text.replace(/\n$/, '')}\n${open}`;
}
