// API keys: names only. A value goes into the keychain, is forgotten here at once, and never comes back.
import { TextInput } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { asNoxError, type NoxError } from '@/bridge/bridge';
import { Button } from '@/components/controls/Button';
import { Field } from '@/components/controls/Field';
import { ConfirmDialog } from '@/components/dialog/ConfirmDialog';
import { Banner } from '@/components/feedback/Banner';
import { toast } from '@/components/feedback/toasts';
import { Icon } from '@/components/icons/icons';
import { Age } from '@/components/status/Age';
import { StatusText } from '@/components/status/StatusText';
import { useAct } from '@/sync/act';
import { useNox } from '@/sync/context';
import { useSend } from '@/sync/send';
import type { KeyTest, KeyView } from '../../bindings/nox';
import s from './Settings.module.css';
import { KEYS, SETTINGS } from './text';

const QUERY = ['keys'];

export function KeysSection() {
  const { bridge } = useNox();
  const queries = useQueryClient();
  const keys = useQuery({ queryKey: QUERY, queryFn: () => bridge.listKeys({}), staleTime: 0, gcTime: 0 });
  const changed = () => void queries.invalidateQueries({ queryKey: QUERY });
  const retry = <Button onClick={() => void keys.refetch()}>{SETTINGS.tryAgain}</Button>;
  const available = keys.data?.available ?? false;
  return (
    <>
      <p className={s.intro}>{KEYS.intro}</p>
      {keys.isError && (
        <Banner tone="error" title={KEYS.failed} actions={retry}>
          {keys.error.message}
        </Banner>
      )}
      {keys.data && !available && (
        <Banner tone="warning" title={KEYS.unavailable} actions={retry}>
          {keys.data.problem} {KEYS.unavailableHint}
        </Banner>
      )}
      {keys.data && available && <p className={s.hint}>{KEYS.held(keys.data.keychain)}</p>}
      {keys.data && keys.data.keys.length > 0 && (
        <ul className={s.rows}>
          {keys.data.keys.map((key) => (
            <KeyRow key={key.name} row={key} onChanged={changed} />
          ))}
        </ul>
      )}
      {keys.data && keys.data.keys.length === 0 && available && <p className={s.none}>{KEYS.none}</p>}
      <NewKey enabled={available} onStored={changed} />
    </>
  );
}

function KeyRow({ row, onChanged }: { row: KeyView; onChanged: () => void }) {
  const { bridge } = useNox();
  const act = useAct();
  const [test, setTest] = useState<KeyTest | 'asked' | null>(null);
  const [deleting, setDeleting] = useState(false);
  const ask = async () => {
    setTest('asked');
    try {
      setTest(await bridge.testKey({ name: row.name }));
    } catch (thrown) {
      setTest({ readable: false, problem: asNoxError(thrown).message });
    }
  };
  const remove = async () => {
    await act('deleteKey', { name: row.name }, { done: KEYS.deleted(row.name), changed: onChanged });
    setDeleting(false);
  };
  return (
    <li className={s.row}>
      <Icon name="key" size="sm" />
      <code className={s.rowName}>{row.name}</code>
      <span className={s.result} role="status">
        {test === 'asked' && KEYS.testing}
        {test !== null && test !== 'asked' && (
          <StatusText
            sign={test.readable ? 'done' : 'failed'}
            word={test.readable ? KEYS.readable : (test.problem ?? KEYS.unreadable)}
            size="xs"
          />
        )}
      </span>
      <Age at={row.stored_at} />
      <Button size="sm" pending={test === 'asked'} onClick={() => void ask()}>
        {KEYS.test}
      </Button>
      <Button size="sm" variant="danger" onClick={() => setDeleting(true)}>
        {KEYS.delete}
      </Button>
      <ConfirmDialog
        opened={deleting}
        question={KEYS.deleteQuestion(row.name)}
        stay={KEYS.keep}
        go={KEYS.deleteGo}
        onStay={() => setDeleting(false)}
        onGo={remove}
      >
        {KEYS.deleteHint}
      </ConfirmDialog>
    </li>
  );
}

function NewKey({ enabled, onStored }: { enabled: boolean; onStored: () => void }) {
  const send = useSend();
  const [name, setName] = useState('');
  const [value, setValue] = useState('');
  const [tried, setTried] = useState(false);
  const [pending, setPending] = useState(false);
  const [error, setError] = useState<NoxError | null>(null);
  const noName = tried && name.trim() === '' ? KEYS.noName : undefined;
  const noValue = tried && value === '' ? KEYS.noValue : undefined;
  const store = async () => {
    setTried(true);
    setError(null);
    if (name.trim() === '' || value === '') return;
    setPending(true);
    try {
      await send('putKey', { name: name.trim(), value });
      toast({ text: KEYS.stored(name.trim()) });
      setName('');
      setValue('');
      setTried(false);
      onStored();
    } catch (thrown) {
      setError(asNoxError(thrown));
    } finally {
      setPending(false);
    }
  };
  return (
    <form
      className={s.newKey}
      autoComplete="off"
      onSubmit={(event) => {
        event.preventDefault();
        void store();
      }}
    >
      <Field label={KEYS.name} error={noName ?? (error?.field === 'name' ? error.message : undefined)} layout="top">
        <TextInput
          classNames={{ input: s.mono }}
          value={name}
          placeholder={KEYS.namePlaceholder}
          disabled={!enabled}
          spellCheck={false}
          autoComplete="off"
          onChange={(event) => setName(event.currentTarget.value)}
        />
      </Field>
      <Field label={KEYS.value} error={noValue ?? (error?.field === 'value' ? error.message : undefined)} layout="top">
        <TextInput
          type="password"
          value={value}
          disabled={!enabled}
          autoComplete="new-password"
          onChange={(event) => setValue(event.currentTarget.value)}
        />
      </Field>
      <Button className={s.store} type="submit" pending={pending} disabled={!enabled}>
        {KEYS.store}
      </Button>
      {error && error.field !== 'name' && error.field !== 'value' && (
        <div className={s.wide}>
          <Banner tone="error" title={error.message}>
            {error.hint}
          </Banner>
        </div>
      )}
    </form>
  );
}
