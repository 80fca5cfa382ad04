import type { Route } from './routes.ts';

export interface IndexedPlugin {
  readonly id: string;
  readonly needs: readonly string[];
  readonly optional: boolean;
}

/** A small page that lists the plugins with what they need, and every route. */
export function renderIndexPage(
  plugins: readonly IndexedPlugin[],
  routes: readonly Route[],
): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>The shop</title>
<style>${styles}</style>
<h1>The shop</h1>
<p>${plugins.length} plugins, ${routes.length} routes. Each plugin has its own schema, its own migrations and its own routes.</p>
${plugins.map((plugin) => renderPlugin(plugin, routes)).join('\n')}
</html>
`;
}

function renderPlugin({ id, needs, optional }: IndexedPlugin, routes: readonly Route[]): string {
  const own = routes.filter((route) => route.plugin === id);
  const uses = needs.length === 0 ? '' : `<p class="needs">uses ${escape(needs.join(', '))}</p>`;
  return `<section>
<h2>${escape(id)}${optional ? ' <small>optional</small>' : ''}</h2>
${uses}
<ul>${own.map(renderRoute).join('')}</ul>
</section>`;
}

function renderRoute({ method, path }: Route): string {
  const shown = `<code><b>${method}</b> ${escape(path)}</code>`;
  const isPlain = method === 'GET' && !path.includes(':');
  return `<li>${isPlain ? `<a href="${escape(path)}">${shown}</a>` : shown}</li>`;
}

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

const styles = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 44rem; margin: 3rem auto; padding: 0 1rem; }
h1 { margin-bottom: 0; }
section { border-top: 1px solid #8884; margin-top: 1.25rem; padding-top: .75rem; }
h2 { font-size: 1.1rem; margin: 0; }
small, .needs { color: #888; font-weight: normal; }
.needs { margin: 0; font-size: .9rem; }
ul { list-style: none; margin: .5rem 0 0; padding: 0; }
code { font-size: .9rem; }
b { display: inline-block; width: 3.2rem; color: #0a7ea4; }
a { color: inherit; }
`;
