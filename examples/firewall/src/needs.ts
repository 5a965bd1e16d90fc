import { execFileSync } from 'node:child_process';

const has = (program: string, ...args: string[]): boolean => {
  try {
    execFileSync(program, args, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
};

/** Why namespaces and nftables cannot be used here; undefined if they can. */
export function whyNoNamespaces(): string | undefined {
  if (process.platform !== 'linux') return 'network namespaces need Linux';
  if (process.getuid?.() !== 0) return 'network namespaces need root';
  if (!has('ip', '-V')) return 'the program ip is missing (Debian: apt-get install iproute2)';
  if (!has('nft', '--version')) return 'the program nft is missing (Debian: apt-get install nftables)';
  return has('unshare', '--net', 'nft', 'list', 'tables')
    ? undefined
    : 'this system does not allow namespaces with nftables';
}
