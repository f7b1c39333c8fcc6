// Light and dark: what the system says, unless the switch says otherwise.
const KEY = 'taud-theme';
const listeners: (() => void)[] = [];
const system = window.matchMedia('(prefers-color-scheme: dark)');

function stored(): string | null {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;  // a browser that keeps nothing
  }
}

export function isDark(): boolean {
  const theme = document.documentElement.dataset['theme'];
  return theme === undefined ? system.matches : theme === 'dark';
}

function apply(theme: string | null): void {
  if (theme === 'light' || theme === 'dark') {
    document.documentElement.dataset['theme'] = theme;
  } else {
    delete document.documentElement.dataset['theme'];
  }
  listeners.forEach((listener) => listener());
}

export function onThemeChange(listener: () => void): void {
  listeners.push(listener);
}

export function startTheme(button: HTMLButtonElement): void {
  const label = () => {
    button.setAttribute('aria-label', isDark() ? 'Switch to light' : 'Switch to dark');
    button.dataset['shows'] = isDark() ? 'dark' : 'light';
  };
  onThemeChange(label);
  apply(stored());
  system.addEventListener('change', () => listeners.forEach((listener) => listener()));
  button.addEventListener('click', () => {
    const theme = isDark() ? 'light' : 'dark';
    try {
      localStorage.setItem(KEY, theme);
    } catch {
      // It holds until the page is left.
    }
    apply(theme);
  });
}

export function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue('--' + name).trim();
}
