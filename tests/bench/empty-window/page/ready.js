// Two frames after the page stands, it is on the screen; the app's page tells its board in the same way, in useReportUsable.ts.
addEventListener('load', () => requestAnimationFrame(() => requestAnimationFrame(() => window.__TAURI_INTERNALS__.invoke('ready'))));
