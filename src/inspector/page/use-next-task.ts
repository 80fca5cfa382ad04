import { useEffect, useState } from 'preact/hooks';

/** Returns a value, and a new one only in the task after the drawing that it came with. */
export function useNextTask<T>(value: T): T {
  const [drawn, setDrawn] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setDrawn(value));
    return () => clearTimeout(timer);
  }, [value]);
  return drawn;
}
