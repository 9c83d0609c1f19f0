import { maxScore, type Plugin } from '../framework.ts';

const mebibyte = 1024 * 1024;
/** Below this an image is pulled faster than it is worth thinking about. */
const least = 23 * mebibyte;
/** Per container: above this, more makes no difference. */
const most = 1000 * mebibyte;

/**
 * Prefers nodes that already have the pod's images, by their size. An image that few nodes have counts less, so that
 * the first node to pull something does not get all the pods.
 */
export const imageLocality: Plugin = {
  name: 'ImageLocality',
  preScore({ pod }, _nodes, snapshot) {
    const containers = [...(pod.spec.initContainers ?? []), ...pod.spec.containers];
    const images = containers.map(({ image }) => withTag(image ?? '')).filter((image) => snapshot.imageNodes.has(image));
    if (images.length === 0) return undefined;
    const total = snapshot.nodes.length;
    const ceiling = most * containers.length;
    return {
      score(node) {
        let sum = 0;
        for (const image of images) {
          const size = node.images.get(image);
          if (size !== undefined) sum += Math.floor(size * ((snapshot.imageNodes.get(image) ?? 0) / total));
        }
        const bounded = Math.min(ceiling, Math.max(least, sum));
        return Math.floor((maxScore * (bounded - least)) / (ceiling - least));
      },
    };
  },
};

/** Nodes report images with their tag. */
function withTag(image: string): string {
  return image.lastIndexOf(':') <= image.lastIndexOf('/') ? `${image}:latest` : image;
}
