"""The page: a film in, what each model makes of it out.

``page`` lays it out, ``handlers`` answers its events and its endpoint, ``views`` turns predictions
into HTML, ``about`` says what never changes, ``examples`` are films to start with. The look is in
``style.css``, what happens without the server in ``script.js``.
"""

try:  # ZeroGPU's package, which has to come before torch; nothing of the kind elsewhere
    from spaces import GPU as on_gpu
except ImportError:

    def on_gpu(function):
        return function


__all__ = ["on_gpu"]
