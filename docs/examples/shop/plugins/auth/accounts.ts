import { createHash, randomBytes } from 'node:crypto';
import { and, eq, gt, lt, sql } from 'drizzle-orm';
import type { NodePgDatabase } from 'drizzle-orm/node-postgres';
import { conflict, forbidden, notFound, unauthorized } from '../../http/refusal.ts';
import type { ShopRequest } from '../../http/routes.ts';
import type { AuthApi, Role, User } from './api.ts';
import { hashPassword, isPassword } from './password.ts';
import { roleChanges, sessions, users } from './schema.ts';

export interface NewAccount {
  readonly email: string;
  readonly name: string;
  readonly password: string;
  readonly role?: Role;
}

export interface Session {
  readonly token: string;
  readonly expiresAt: Date;
}

export interface Accounts extends AuthApi {
  signUp(account: NewAccount): Promise<User>;
  /** Does nothing when the address has an account already. */
  ensure(account: NewAccount): Promise<void>;
  signIn(email: string, password: string): Promise<Session>;
  giveRole(userId: string, role: Role, by: User): Promise<User>;
  forgetExpiredSessions(): Promise<void>;
}

const publicUser = { id: users.id, email: users.email, name: users.name, role: users.role };
const inTwoWeeks = sql<Date>`now() + interval '14 days'`;

/** Users, their roles and their sessions. */
export function createAccounts(database: NodePgDatabase): Accounts {
  const add = async ({
    email,
    name,
    password,
    role = 'customer',
  }: NewAccount): Promise<User | undefined> => {
    const passwordHash = await hashPassword(password);
    return database.transaction(async (tx) => {
      const [user] = await tx
        .insert(users)
        .values({ email: email.toLowerCase(), name, passwordHash, role })
        .onConflictDoNothing()
        .returning(publicUser);
      if (user) await tx.insert(roleChanges).values({ userId: user.id, role });
      return user;
    });
  };

  const userOf = async ({ headers }: ShopRequest): Promise<User> => {
    const token = /^Bearer (.+)$/i.exec(headers.authorization ?? '')?.[1];
    if (token === undefined) {
      throw unauthorized('Sign in first and send `authorization: Bearer <token>`');
    }
    const [user] = await database
      .select(publicUser)
      .from(sessions)
      .innerJoin(users, eq(users.id, sessions.userId))
      .where(and(eq(sessions.tokenHash, hashToken(token)), gt(sessions.expiresAt, sql`now()`)));
    if (!user) throw unauthorized('This session is over: sign in again');
    return user;
  };

  return {
    userOf,

    async userWithRole(request, ...roles) {
      const user = await userOf(request);
      if (roles.includes(user.role)) return user;
      throw forbidden(`This is for ${roles.join(' and ')}; ${user.email} is ${user.role}`);
    },

    async signUp(account) {
      const user = await add(account);
      if (!user) throw conflict(`${account.email} has an account already`);
      return user;
    },

    async ensure(account) {
      const [known] = await database
        .select({ id: users.id })
        .from(users)
        .where(eq(users.email, account.email));
      if (!known) await add(account);
    },

    async signIn(email, password) {
      const [user] = await database
        .select()
        .from(users)
        .where(eq(users.email, email.toLowerCase()));
      // One message for both cases: a caller must not learn who has an account.
      if (!user || !(await isPassword(password, user.passwordHash))) {
        throw unauthorized('Address or password is wrong');
      }
      const token = randomBytes(24).toString('base64url');
      const [session] = await database
        .insert(sessions)
        .values({ tokenHash: hashToken(token), userId: user.id, expiresAt: inTwoWeeks })
        .returning({ expiresAt: sessions.expiresAt });
      return { token, expiresAt: session!.expiresAt };
    },

    giveRole: (userId, role, by) =>
      database.transaction(async (tx) => {
        const [user] = await tx
          .update(users)
          .set({ role })
          .where(eq(users.id, userId))
          .returning(publicUser);
        if (!user) throw notFound(`There is no user ${userId}`);
        await tx.insert(roleChanges).values({ userId, role, changedBy: by.id });
        return user;
      }),

    async forgetExpiredSessions() {
      await database.delete(sessions).where(lt(sessions.expiresAt, sql`now()`));
    },
  };
}

function hashToken(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}
