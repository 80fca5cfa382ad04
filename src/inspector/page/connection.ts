import type { Model } from './model.ts';

const tokenKey = 'slipway-token';

/** Brings the lines of a recording to the model: those inside of the page, or those that the server sends. */
export function connect(model: Model): void {
  const inside = document.querySelector('#recording');
  if (inside) {
    model.addLines(inside.textContent.split('\n'));
    model.setConnection('over');
  } else {
    listen(model, takeToken());
  }
}

/**
 * Takes the token out of the address bar, so that it is not copied with the address. The tab keeps it for the next time the page is
 * loaded: the server answers an address without a token by a page that puts it back.
 */
function takeToken(): string {
  const { searchParams, pathname, hash } = new URL(location.href);
  const given = searchParams.get('token');
  if (given === null) return sessionStorage.getItem(tokenKey) ?? '';
  sessionStorage.setItem(tokenKey, given);
  history.replaceState(null, '', `${pathname}${hash}`);
  return given;
}

/** The browser connects again by itself, and says which line it had last. */
function listen(model: Model, token: string): void {
  const source = new EventSource(`events?token=${encodeURIComponent(token)}`);
  source.addEventListener('open', () => model.setConnection('live'));
  source.addEventListener('lines', ({ data }: MessageEvent<string>) => {
    model.addLines(data.split('\n'));
  });
  source.addEventListener('now', ({ data }: MessageEvent<string>) => model.setNow(Number(data)));
  source.addEventListener('end', () => {
    source.close();
    model.setConnection('over');
  });
  source.addEventListener('error', () => {
    model.setConnection(source.readyState === EventSource.CLOSED ? 'refused' : 'lost');
  });
}
