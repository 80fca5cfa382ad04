import { collectionRef, serviceRef } from 'slipway';

export interface Loan {
  readonly title: string;
  readonly reader: string;
}

export interface BooksApi {
  add(title: string): Promise<number>;
  lend(bookId: number, reader: string): Promise<void>;
  lentBefore(moment: Date): Promise<readonly Loan[]>;
}

/** The plugin `books` provides it. */
export const booksApi = serviceRef<BooksApi>('books.api');

export interface Figure {
  readonly name: string;
  readonly count: () => Promise<number>;
}

/** Any plugin may add figures. */
export const figures = collectionRef<Figure>('library.figures');

export interface Mailer {
  send(to: string, text: string): Promise<void>;
}

/** The host provides it, if it has one. */
export const mailer = serviceRef<Mailer>('host.mailer');
