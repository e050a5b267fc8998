// The whole window: what all places share around the one that is open.
import { MantineProvider, useMantineColorScheme } from '@mantine/core';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { Suspense, useCallback, useEffect, useRef, useState } from 'react';
import { Redirect, Route, Router, Switch, useLocation } from 'wouter';
import type { Bridge } from '@/bridge/bridge';
import { listenToKeys } from '@/components/actions/keyboard';
import { Button } from '@/components/controls/Button';
import { prepareAnnouncements } from '@/components/feedback/announce';
import { Banner } from '@/components/feedback/Banner';
import { Loading, SkeletonBar, SkeletonRows } from '@/components/feedback/Skeleton';
import { Toasts } from '@/components/feedback/Toasts';
import { CommandPalette } from '@/components/palette/CommandPalette';
import { NoxProvider, useNox } from '@/sync/context';
import { useEngine, useLink, useSettings } from '@/sync/hooks';
import { Frame } from './Frame';
import s from './Frame.module.css';
import { KeysHelp } from './KeysHelp';
import { useHashPath, useHashSearch } from './location';
import { PlaceBoundary } from './PlaceBoundary';
import { PLACES, RecoveryPage, WelcomePage } from './places';
import { routes } from './routes';
import { ShellQuestions } from './ShellQuestions';
import { APP } from './text';
import { resolver, theme } from './theme';
import { useGlobalActions } from './useGlobalActions';
import { useReportUsable } from './useReportUsable';
import { useTold } from './useTold';

// Reads are local and cheap; what makes them stale is said by the mirror, never by a timer or a focus.
const reads = () =>
  new QueryClient({
    defaultOptions: { queries: { retry: false, refetchOnWindowFocus: false, refetchOnReconnect: false } },
  });

export function App({ bridge }: { bridge: Bridge }) {
  // What was read of one engine is nothing for another.
  const [queries] = useState(reads);
  return (
    <MantineProvider theme={theme} cssVariablesResolver={resolver} defaultColorScheme="auto">
      <QueryClientProvider client={queries}>
        <NoxProvider bridge={bridge}>
          <Router hook={useHashPath} searchHook={useHashSearch} hrefs={(href) => `#${href}`}>
            <Window />
          </Router>
        </NoxProvider>
      </QueryClientProvider>
    </MantineProvider>
  );
}

function Window() {
  const [open, setOpen] = useState<'palette' | 'keys' | null>(null);
  const openPalette = useCallback(() => setOpen('palette'), []);
  const openKeys = useCallback(() => setOpen('keys'), []);
  const close = useCallback(() => setOpen(null), []);
  useScheme();
  useTold();
  useGlobalActions({ openPalette, openKeys });
  useEffect(() => {
    prepareAnnouncements();
    return listenToKeys();
  }, []);
  return (
    <>
      <Switch>
        <Route path={routes.welcome()}>
          <Ready>
            <Suspense fallback={null}>
              <WelcomePage />
            </Suspense>
          </Ready>
        </Route>
        <Route>
          <Frame onKeys={openKeys}>
            <Ready>
              <Places />
            </Ready>
          </Frame>
        </Route>
      </Switch>
      <CommandPalette opened={open === 'palette'} onClose={close} />
      <KeysHelp opened={open === 'keys'} onClose={close} />
      <ShellQuestions />
      <Toasts />
    </>
  );
}

function Places() {
  useFocusOnArrival();
  const settings = useSettings();
  useReportUsable();
  return (
    <Switch>
      {PLACES.map(({ id, word, route, Page }) => (
        <Route key={id} path={route}>
          <PlaceBoundary place={word}>
            <Suspense fallback={<Waiting />}>
              <Page />
            </Suspense>
          </PlaceBoundary>
        </Route>
      ))}
      <Route path={routes.recovery()}>
        <PlaceBoundary place={APP.recovery}>
          <Suspense fallback={<Waiting />}>
            <RecoveryPage />
          </Suspense>
        </PlaceBoundary>
      </Route>
      <Route>
        <Redirect to={settings?.welcomed === false ? routes.welcome() : routes.board()} replace />
      </Route>
    </Switch>
  );
}

/** Draws what is inside when the first snapshot is here; until then what stands in for it, or why it does not come. */
function Ready({ children }: { children: React.ReactNode }) {
  const link = useLink();
  const engine = useEngine();
  const { reconnect } = useNox();
  if (link.state === 'failed') {
    return (
      <div className={s.waiting}>
        <Banner tone="error" title={APP.noEngine} actions={<Button onClick={reconnect}>{APP.tryAgain}</Button>}>
          <p>{APP.noEngineHint}</p>
          <code>{link.error.message}</code>
        </Banner>
        {engine && children}
      </div>
    );
  }
  return engine ? children : <Waiting />;
}

function Waiting() {
  return (
    <Loading>
      <div className={s.waiting}>
        <SkeletonBar width={16} tall />
        <SkeletonRows count={8} double />
      </div>
    </Loading>
  );
}

/** The settings decide the scheme; `system` follows the desktop. */
function useScheme(): void {
  const wanted = useSettings()?.theme;
  const { setColorScheme } = useMantineColorScheme();
  useEffect(() => {
    if (wanted) setColorScheme(wanted === 'system' ? 'auto' : wanted);
  }, [wanted, setColorScheme]);
}

/** After going to another place the focus is in it, so that keys and readers go on there. */
function useFocusOnArrival(): void {
  const [path] = useLocation();
  const place = path.split('/')[1];
  const before = useRef(place);
  useEffect(() => {
    if (before.current === place) return;
    before.current = place;
    const main = document.querySelector<HTMLElement>('main');
    const inside = main?.contains(document.activeElement);
    // Somebody who walks along the places by Tab stays there.
    const onPlaces = document.activeElement?.closest('[data-pane="places"]')?.matches(':has(:focus-visible)');
    if (!inside && !onPlaces) main?.focus({ preventScroll: true });
  }, [place]);
}
