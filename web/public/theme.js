// Before the first paint, so that a page in the chosen theme never flashes in the other one.
try {
  const theme = JSON.parse(localStorage.getItem('runlog.settings') ?? '{}').theme;
  if (theme === 'dark' || theme === 'light') document.documentElement.dataset.theme = theme;
} catch {
  // The system's theme it is.
}
