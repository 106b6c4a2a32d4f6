/** The image that pods run: static busybox, Perl and the traffic program, taken from this machine. */
import {createHash} from 'node:crypto';
import {chmod, copyFile, mkdir, readFile, rm, symlink, writeFile} from 'node:fs/promises';
import {dirname, join} from 'node:path';
import {run} from './run.ts';

/** The image of application containers; `pause:1` is the same one, with a command that only sleeps. */
export const IMAGE = 'hoptop.lab/pod:1';
export const PAUSE = 'hoptop.lab/pause:1';

/** Files Perl loads for traffic.pl: itself, the libraries it is linked with, its modules and their shared objects. */
const perlFiles = async (): Promise<string[]> => {
  const perl = (await run(['sh', '-c', 'readlink -f "$(command -v perl)"'])).trim();
  const modules = ['strict', 'warnings', 'Errno', 'Fcntl', 'Socket', 'Exporter::Heavy'].map(
    name => `-M${name}`,
  );
  const loaded = await run([
    '/usr/bin/perl',
    ...modules,
    '-MDynaLoader',
    '-e',
    'print "$_\\n" for values %INC, @DynaLoader::dl_shared_objects',
  ]);
  const objects = loaded.split('\n').filter(Boolean);
  const linked = await run(['ldd', perl, ...objects.filter(file => file.endsWith('.so'))]);
  return [perl, ...objects, ...new Set(linked.match(/\/\S+\.so\S*(?= \()/g) ?? [])];
};

/**
 * Builds an archive in the layout `docker save` writes, which `ctr images import` reads.
 * @returns its path, in `dir`
 */
export const buildImage = async (dir: string): Promise<string> => {
  const root = join(dir, 'image', 'root');
  await rm(join(dir, 'image'), {recursive: true, force: true});
  for (const each of ['bin', 'etc', 'proc', 'sys', 'dev', 'tmp', 'usr/bin', 'www'])
    await mkdir(join(root, each), {recursive: true});
  await copyFile('/bin/busybox', join(root, 'bin/busybox'));
  for (const applet of (await run(['/bin/busybox', '--list'])).split('\n').filter(Boolean))
    if (applet !== 'busybox') await symlink('busybox', join(root, 'bin', applet)).catch(() => {});
  for (const file of await perlFiles()) {
    await mkdir(dirname(join(root, file)), {recursive: true});
    await copyFile(file, join(root, file));
  }
  await copyFile(join(import.meta.dirname, 'traffic.pl'), join(root, 'bin/traffic'));
  await chmod(join(root, 'bin/traffic'), 0o755);
  await writeFile(join(root, 'etc/passwd'), 'root:x:0:0::/:/bin/sh\n');
  await writeFile(join(root, 'www/index.html'), 'hoptop lab\n');

  const at = join(dir, 'image');
  await run(['tar', '-C', root, '--owner=0', '--group=0', '--sort=name', '-cf', join(at, 'layer.tar'), '.']);
  const layer = createHash('sha256')
    .update(await readFile(join(at, 'layer.tar')))
    .digest('hex');
  const config = (command: string[]) =>
    JSON.stringify({
      architecture: process.arch === 'x64' ? 'amd64' : process.arch,
      os: 'linux',
      config: {Env: ['PATH=/bin:/usr/bin'], Cmd: command},
      rootfs: {type: 'layers', diff_ids: [`sha256:${layer}`]},
    });
  await writeFile(join(at, 'pod.json'), config(['/bin/sh']));
  await writeFile(join(at, 'pause.json'), config(['/bin/sleep', '1000d']));
  const manifest = [
    {Config: 'pod.json', RepoTags: [IMAGE], Layers: ['layer.tar']},
    {Config: 'pause.json', RepoTags: [PAUSE], Layers: ['layer.tar']},
  ];
  await writeFile(join(at, 'manifest.json'), JSON.stringify(manifest));
  const archive = join(dir, 'image.tar');
  await run(['tar', '-C', at, '-cf', archive, 'manifest.json', 'pod.json', 'pause.json', 'layer.tar']);
  await rm(at, {recursive: true});
  return archive;
};
