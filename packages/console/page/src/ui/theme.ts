export type Theme = 'system' | 'light' | 'dark';

const NAME = 'intendant-theme';
const THEMES: readonly Theme[] = ['system', 'light', 'dark'];

export const theme = (): Theme => THEMES.find((known) => known === localStorage.getItem(NAME)) ?? 'system';

export function applyTheme(wanted: Theme = theme()): void {
  localStorage.setItem(NAME, wanted);
  if (wanted === 'system') delete document.documentElement.dataset['theme'];
  else document.documentElement.dataset['theme'] = wanted;
}

export const themeAfter = (current: Theme): Theme => THEMES[(THEMES.indexOf(current) + 1) % THEMES.length] as Theme;
