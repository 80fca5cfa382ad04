// Vitest runs modules its own way, TypeScript included; this is the import that a user's process does.
module.exports = (url) => import(url);
