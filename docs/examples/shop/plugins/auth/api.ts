import { serviceRef } from 'slipway';
import type { ShopRequest } from '../../http/routes.ts';

export type Role = 'customer' | 'staff' | 'support';

export interface User {
  readonly id: string;
  readonly email: string;
  readonly name: string;
  readonly role: Role;
}

export interface AuthApi {
  /** The user whose token the request carries; refuses with 401 when there is none. */
  userOf(request: ShopRequest): Promise<User>;
  /** As `userOf`, and refuses with 403 when the user has none of the roles. */
  userWithRole(request: ShopRequest, ...roles: readonly Role[]): Promise<User>;
}

export const authApi = serviceRef<AuthApi>('auth.api');
