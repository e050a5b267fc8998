// A network of its own for a program and all that it starts: it has only loopback, so nothing in it reaches others.
import { spawnSync } from 'node:child_process';

/** Brings loopback up in a network of its own, then becomes the program. Without `ip`, python sets the flag itself. */
const ALONE = [
  'unshare',
  '-rn',
  'sh',
  '-c',
  `ip link set lo up 2>/dev/null || python3 -c 'import fcntl,socket,struct
s=socket.socket()
fcntl.ioctl(s,0x8914,struct.pack("16sh",b"lo",0x1|0x40)+bytes(14))' || exit 97
exec "$@"`,
  'sh',
];

/** Whether this machine gives one. */
export const canBeAlone = () => spawnSync(ALONE[0], [...ALONE.slice(1), 'true'], { stdio: 'ignore', timeout: 10_000 }).status === 0;

/** The command that starts `command` in one. */
export const alone = (command) => [...ALONE, ...command];
