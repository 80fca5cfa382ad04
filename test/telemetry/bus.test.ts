import { describe, expect, it, vi } from 'vitest';
import { EventBus } from '../../src/telemetry/bus.ts';
import { stamped } from './stamped.ts';

const event = stamped({ type: 'boot.stopping', reason: 'ready' });

describe('the event bus', () => {
  it('calls listeners of the name, then those of any event', () => {
    const heard: string[] = [];
    const bus = new EventBus(() => {});
    bus.onAny(({ type }) => heard.push(`any ${type}`));
    bus.on('boot.stopping', ({ reason }) => heard.push(`stopping ${reason}`));
    bus.on('boot.stopped', () => heard.push('stopped'));
    bus.emit(event);
    expect(heard).toEqual(['stopping ready', 'any boot.stopping']);
  });

  it('once hears once; off and the returned function end it', () => {
    const bus = new EventBus(() => {});
    const [once, off, left] = [vi.fn(), vi.fn(), vi.fn()];
    bus.once('boot.stopping', once);
    bus.on('boot.stopping', off);
    bus.off('boot.stopping', off);
    bus.on('boot.stopping', left)();
    bus.emit(event);
    bus.emit(event);
    expect(once).toHaveBeenCalledTimes(1);
    expect(off).not.toHaveBeenCalled();
    expect(left).not.toHaveBeenCalled();
  });

  it('off takes a listener away that waits for its one event', () => {
    const bus = new EventBus(() => {});
    const once = vi.fn();
    bus.once('boot.stopping', once);
    bus.off('boot.stopping', once);
    bus.emit(event);
    expect(once).not.toHaveBeenCalled();
  });

  it('a listener that throws or rejects is reported and harms nobody', async () => {
    const reported: string[] = [];
    const bus = new EventBus((error, { type }) => reported.push(`${type}: ${error.message}`));
    const after = vi.fn();
    bus.on('boot.stopping', () => {
      throw 'a string';
    });
    bus.onAny(() => Promise.reject(new Error('later')));
    bus.onAny(after);
    bus.emit(event);
    await Promise.resolve();
    await Promise.resolve();
    expect(after).toHaveBeenCalledOnce();
    expect(reported).toEqual(['boot.stopping: a string', 'boot.stopping: later']);
  });

  it('survives a reporter that throws', () => {
    const bus = new EventBus(() => {
      throw new Error('the logger is broken too');
    });
    bus.onAny(() => {
      throw new Error('no');
    });
    expect(() => bus.emit(event)).not.toThrow();
  });
});
