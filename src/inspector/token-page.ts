/**
 * The page for an address without the right token. When the page of the inspector is loaded again, its tab still has the token:
 * this script puts it back into the address. A token that was given and was wrong is forgotten, so that it is tried once.
 */
export const tokenPage = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <meta name="color-scheme" content="light dark" />
    <link rel="icon" href="data:," />
    <title>Slipway: the token is missing</title>
    <style>
      :root { color-scheme: light dark; }
      body { max-width: 36rem; margin: 15vh auto; padding: 0 1.5rem; font: 1rem/1.5 system-ui, sans-serif; }
      h1 { font-size: 1.5rem; }
    </style>
    <script>
      const token = sessionStorage.getItem('slipway-token');
      if (new URLSearchParams(location.search).has('token')) sessionStorage.removeItem('slipway-token');
      else if (token) location.replace('/?token=' + encodeURIComponent(token) + location.hash);
    </script>
  </head>
  <body>
    <main>
      <h1>This address lacks its token</h1>
      <p>Open the address that the program printed. It has a token at its end, which is new each time the program starts.</p>
    </main>
  </body>
</html>
`;
