import { isNotFound } from '../api/errors.ts';

/** Waits for a request; that its object is not there any more is no failure. Returns whether it was there. */
export async function unlessGone(request: Promise<unknown>): Promise<boolean> {
  try {
    await request;
    return true;
  } catch (error) {
    if (!isNotFound(error)) throw error;
    return false;
  }
}
