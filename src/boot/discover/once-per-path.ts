/** Makes a look at a path happen once, whoever asks and however often. */
export function oncePerPath<T>(look: (path: string) => Promise<T>): (path: string) => Promise<T> {
  const looks = new Map<string, Promise<T>>();
  return (path) => {
    const known = looks.get(path) ?? look(path);
    looks.set(path, known);
    return known;
  };
}
