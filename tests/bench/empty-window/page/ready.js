// The first call of an empty page: what a window costs before anything is in it.
window.__TAURI_INTERNALS__.invoke('ready');
