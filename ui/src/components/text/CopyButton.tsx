// Takes a text along. Says that it did, in place, without a message elsewhere.
import { useEffect, useState } from 'react';
import { IconButton } from '../controls/Button';
import { announce } from '../feedback/announce';
import { TEXT } from './text';

export interface CopyButtonProps {
  text: string | (() => string);
  label?: string | undefined;
}

export function CopyButton({ text, label = TEXT.copy }: CopyButtonProps) {
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return;
    const timer = setTimeout(() => setCopied(false), 2000);
    return () => clearTimeout(timer);
  }, [copied]);
  const copy = async () => {
    await navigator.clipboard.writeText(typeof text === 'string' ? text : text());
    setCopied(true);
    announce(TEXT.copied);
  };
  return <IconButton size="sm" icon={copied ? 'check' : 'copy'} label={copied ? TEXT.copied : label} onClick={copy} />;
}
